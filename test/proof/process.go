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
	startTime = 2 * time.Minute // for a process to be ready
	stopTime  = time.Minute     // for a process to end in order
)

// process is a program that is started, killed and started again.
type process struct {
	command []string
	env     []string
	log     *os.File

	turn sync.Mutex // held while it is started or ended

	mu  sync.Mutex
	url string // where it serves; empty while it does not
	cmd *exec.Cmd
}

// newProcess returns a process of which the errors go to a file in dir.
func newProcess(dir, name string, env []string, command ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // the run's own directory
	if err != nil {
		return nil, err
	}
	return &process{command: command, env: append(os.Environ(), env...), log: log}, nil //nolint:forbidigo // a child needs the environment
}

// start starts the process and waits until it says where it serves. A process
// that ends by itself meanwhile, since its database was cut off, is started
// again.
func (p *process) start(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.startInTurn(ctx)
}

func (p *process) startInTurn(ctx context.Context) error {
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
			return fmt.Errorf("%s does not start: %w; see %s", filepath.Base(p.command[0]), err, p.log.Name())
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
	// A process that hangs is killed, which ends the scan.
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "serving on "); ok {
			return url, nil
		}
	}
	return "", fmt.Errorf("it ended before it served")
}

// at returns where the process serves.
func (p *process) at() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// end kills the process with SIGKILL and waits until it is gone.
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

// restart kills the process and starts it again.
func (p *process) restart(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.end()
	return p.startInTurn(ctx)
}

// stop ends the process in order, which must work and must not take for ever.
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
		return fmt.Errorf("%s does not end in order: %w; see %s", filepath.Base(p.command[0]), err, p.log.Name())
	}
	return nil
}

// close ends the process for good.
func (p *process) close() {
	p.end()
	_ = p.log.Close()
}

// pause waits, unless ctx ends before.
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
