package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// config holds the settings of a server: the fields of INFO, and appendfsync if the
// server permits CONFIG.
type config map[string]string

// readConfig reads the settings. Many managed servers forbid CONFIG; INFO shows
// everything needed except appendfsync.
func readConfig(ctx context.Context, client *redis.Client) (config, error) {
	info, err := client.Info(ctx).Result()
	if isServerError(err) {
		return nil, fmt.Errorf("the server does not show its settings (%w): check them against the documentation of Connect, then use WithUncheckedServer", err)
	}
	if err != nil {
		return nil, err
	}
	c := config{}
	for line := range strings.Lines(info) {
		if field, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			c[field] = value
		}
	}
	set, err := client.ConfigGet(ctx, "appendfsync").Result()
	if err != nil && !isServerError(err) {
		return nil, err
	}
	c["appendfsync"] = set["appendfsync"]
	return c, nil
}

// isServerError reports whether err is an error that the server returned.
func isServerError(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// check returns an error that names the settings that break the guarantees.
func (c config) check() error {
	version, appendOnly := c["redis_version"], map[string]string{"1": "yes"}[c["aof_enabled"]]
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	var wrong []string
	for _, rule := range []struct {
		broken  bool
		setting string
		value   string
		want    string
	}{
		{major < 6 || major == 6 && minor < 2, "redis_version", version, "want 6.2 or later"},
		{c["cluster_enabled"] == "1", "cluster-enabled", "yes", "want no: the streams must be on one server"},
		{c["role"] != "master", "role", c["role"], "want master: a replica rejects messages"},
		{
			c["maxmemory"] != "0" && c["maxmemory_policy"] != "noeviction", "maxmemory-policy", c["maxmemory_policy"],
			"want noeviction, or maxmemory 0: a full server would drop messages",
		},
		{appendOnly != "yes", "appendonly", "no", "want yes: a restart would lose messages"},
		{
			appendOnly == "yes" && c["appendfsync"] == "no", "appendfsync", "no",
			"want everysec or always: a crash of the machine would lose messages that are not written yet",
		},
	} {
		if rule.broken {
			wrong = append(wrong, fmt.Sprintf("%s is %s, %s", rule.setting, rule.value, rule.want))
		}
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}
