package command

import (
	"errors"
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
		Short: "Is JovePay available?",
		Long: `Asks whether JovePay's API is available. It needs no key. The exit code is 0
only if the answer is OK.`,
		Example: `  jovepay status
  jovepay --sandbox status`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, settings, err := c.client(cmd.Context())
			if err != nil {
				return err
			}
			begun := time.Now()
			status, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			took := time.Since(begun).Round(time.Millisecond)
			base := settings.BaseURL
			if base == "" {
				base = jovepay.DefaultBaseURL
			}
			err = c.print.Show(status, func(t *output.Text) { t.Line("%s: %s (%s)", base, status.Message, took) })
			if err == nil && !strings.EqualFold(status.Message, "OK") {
				return errors.New("JovePay does not say that it is available")
			}
			return err
		},
	}
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "The version of this program",
		Long: `Prints the version of the program and of the SDK in it, the Go version and the
platform that it was built for, and the revision if it is known.`,
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
