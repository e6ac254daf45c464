package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"ringfence/internal/vpc"
)

type consoleInput struct {
	dryRun
	Instance string `aws:"InstanceId,required"`
	Latest   bool   `aws:"Latest"` // what is told is always the newest
}

type consoleOutput struct {
	Instance  vpc.InstanceID `aws:"instanceId"`
	Timestamp time.Time      `aws:"timestamp"`
	Output    string         `aws:"output,omitempty"` // base64
}

// getConsoleOutput implements GetConsoleOutput. What a terminated instance has
// said is gone with it.
func (r *request) getConsoleOutput(ctx context.Context, in *consoleInput) (*consoleOutput, error) {
	i, err := r.viewedInstance(ctx, in.Instance)
	if err != nil {
		return nil, err
	}
	out := &consoleOutput{Instance: i.ID, Timestamp: shownTime(i.LaunchTime)}
	if r.console == nil {
		return out, nil
	}
	said, err := r.console(ctx, i.ID)
	if err != nil {
		return nil, fmt.Errorf("read console of %s: %w", i.ID, err)
	}
	if len(said.Text) > 0 {
		out.Timestamp, out.Output = shownTime(said.At.UTC()), base64.StdEncoding.EncodeToString(said.Text)
	}
	return out, nil
}

type passwordInput struct {
	dryRun
	Instance string `aws:"InstanceId,required"`
}

type passwordOutput struct {
	Instance  vpc.InstanceID `aws:"instanceId"`
	Timestamp time.Time      `aws:"timestamp"`
	Data      string         `aws:"passwordData"`
}

// getPasswordData implements GetPasswordData. Only instances with Windows have
// passwords, and none is one (EC2 API reference).
func (r *request) getPasswordData(ctx context.Context, in *passwordInput) (*passwordOutput, error) {
	i, err := r.viewedInstance(ctx, in.Instance)
	if err != nil {
		return nil, err
	}
	return &passwordOutput{Instance: i.ID, Timestamp: shownTime(i.LaunchTime)}, nil
}

// viewedInstance finds an instance of the caller's, as of now.
func (r *request) viewedInstance(ctx context.Context, id string) (*vpc.Instance, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	return r.instanceByID(v.Reader, id)
}
