//go:build (!unix && !windows) || solaris || aix

package jetstream

import "os"

// lock is for systems without flock: there, opening a directory twice is not
// noticed.
func lock(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return file.Close, nil
}
