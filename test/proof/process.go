package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTime = 2 * time.Minute // for a process to serve
	stopTime  = time.Minute     // for a process to exit after SIGTERM
)

// process is a program that can be killed and restarted.
type process struct {
	command []string
	env     []string
	log     *os.File

	turn sync.Mutex // held during start and stop

	mu  sync.Mutex
	url string // where it serves; empty while it is down
	cmd *exec.Cmd
}

// newProcess returns a process whose standard error goes to a file in dir.
func newProcess(dir, name string, env []string, command ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // the run's own directory
	if err != nil {
		return nil, err
	}
	return &process{command: command, env: append(os.Environ(), env...), log: log}, nil //nolint:forbidigo // a child needs the environment
}

// start starts the process and waits until it prints where it serves. If the
// process exits before that, because a connection to its database was cut, start
// tries again.
func (p *process) start(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.launchUntilUp(ctx)
}

func (p *process) launchUntilUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		url, err := p.launch(ctx)
		if err == nil {
			p.mu.Lock()
			p.url = url
			p.mu.Unlock()
			return nil
		}
		p.end()
		if pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%s did not start: %w; see %s", filepath.Base(p.command[0]), err, p.log.Name())
		}
	}
}

func (p *process) launch(ctx context.Context) (url string, err error) {
	cmd := exec.Command(p.command[0], p.command[1:]...) //nolint:gosec,noctx // built here; it outlives ctx
	cmd.Env, cmd.Stderr = p.env, p.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
	// Killing a process that hangs ends the scan.
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "serving on "); ok {
			return url, nil
		}
	}
	return "", fmt.Errorf("it exited before it served")
}

// at returns the URL at which the process serves, or "".
func (p *process) at() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// end kills the process with SIGKILL and waits for it.
func (p *process) end() {
	p.mu.Lock()
	cmd := p.cmd
	p.cmd, p.url = nil, ""
	p.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// restart kills the process, if it runs, and starts it again.
func (p *process) restart(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.end()
	return p.launchUntilUp(ctx)
}

// kill kills the process, and reports whether it did: not if it is frozen or being
// restarted.
func (p *process) kill() bool {
	if !p.turn.TryLock() {
		return false
	}
	defer p.turn.Unlock()
	p.end()
	return true
}

// freeze stops the process with SIGSTOP until thaw is called. Nobody kills or
// restarts it in the meantime. It returns nil if the process is down, or frozen.
func (p *process) freeze() (thaw func()) {
	if !p.turn.TryLock() {
		return nil
	}
	p.mu.Lock()
	cmd, url := p.cmd, p.url
	p.url = "" // as a load balancer notices
	p.mu.Unlock()
	if cmd == nil || url == "" || cmd.Process.Signal(syscall.SIGSTOP) != nil {
		p.turn.Unlock()
		return nil
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		p.mu.Lock()
		p.url = url
		p.mu.Unlock()
		p.turn.Unlock()
	}
}

// stop stops the process with SIGTERM. It must exit in time with status 0.
func (p *process) stop() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	cmd := p.cmd
	p.cmd, p.url = nil, ""
	p.mu.Unlock()
	if cmd == nil {
		return nil
	}
	late := time.AfterFunc(stopTime, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s did not stop properly: %w; see %s", filepath.Base(p.command[0]), err, p.log.Name())
	}
	return nil
}

// close kills the process and closes its log.
func (p *process) close() {
	p.end()
	_ = p.log.Close()
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
