package command

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Check whether JovePay is available",
		Long: `Check whether JovePay's API is available. Needs no key. The exit code is 0 only
if the response says OK.`,
		Example: `  jovepay status
  jovepay --sandbox status`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, settings, err := c.client(cmd.Context())
			if err != nil {
				return err
			}
			start := time.Now()
			status, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			took := time.Since(start).Round(time.Millisecond)
			base := settings.BaseURL
			if base == "" {
				base = jovepay.DefaultBaseURL
			}
			err = c.print.Show(status, func(t *output.Text) { t.Line("%s: %s (%s)", base, status.Message, took) })
			if err == nil && !strings.EqualFold(status.Message, "OK") {
				return fmt.Errorf("JovePay is not available: want status OK, got %q", status.Message)
			}
			return err
		},
	}
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version of the program and its SDK, the Go version and platform that
it was built for, and the revision if known.`,
		Example: `  jovepay version
  jovepay version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
				Revision string `json:"revision,omitzero"`
			}{jovepay.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, ""}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, setting := range info.Settings {
					if setting.Key == "vcs.revision" {
						v.Revision = setting.Value
					}
				}
			}
			return c.print.Show(v, func(t *output.Text) {
				t.Line("jovepay %s (%s %s)", v.Version, v.Go, v.Platform)
				t.Fields(output.Field{Name: "revision", Value: v.Revision})
			})
		},
	}
}
