package cli

import (
	"context"
	"encoding/base64"
	"fmt"
)

var consoleTools = []*tool{getConsoleOutput}

var getConsoleOutput = &tool{
	names:   []string{"ec2-get-console-output", "ec2gcons"},
	about:   "print what an instance has written on its console",
	example: "ec2-get-console-output i-cfd732a6",
	action:  "GetConsoleOutput",
	words:   []word{{"INSTANCE", "InstanceId", false}},
	options: []option{{"r", "raw-console-output", "", "control characters as they are, not as ^X", ""}},
	run: func(ctx context.Context, c *toolCall) error {
		answer, err := c.ask(ctx)
		if err != nil {
			return err
		}
		text, err := base64.StdEncoding.DecodeString(answer.Find("output").Trimmed())
		if err != nil {
			return fmt.Errorf("read console output: %w", err)
		}
		c.out.add(answer.Find("instanceId").Trimmed())
		c.out.add(toolTime(answer.Find("timestamp").Trimmed()))
		if c.has("raw-console-output") {
			c.out.text(string(text))
		} else {
			c.out.text(visible(string(text)))
		}
		return nil
	},
}

var toolVersion = &tool{
	names:   []string{"ec2-version", "ec2ver"},
	about:   "print the versions of the tools and of the API",
	example: "ec2-version",
	offline: true,
	run: func(_ context.Context, c *toolCall) error {
		c.out.text(readVersion().Version + " " + apiVersion + "\n")
		return nil
	},
}
