package test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/scenario"
)

var only = flag.String("scenario", "*", "pattern of the `names` of scenarios to play")

// The oracles; the last one twice, as there are two ways to attach programs.
var oracles = []string{"specification", "test runs", "real packets", "real packets, clsact"}

// A play is a scenario before an oracle.
type play struct{ scenario, oracle string }

// TestScenarios plays every scenario before the three oracles.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(*only + ".txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	texts := make(map[scenario.Mode]map[string]string)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mode := scenario.ModeOf(string(b))
		if texts[mode] == nil {
			texts[mode] = make(map[string]string)
		}
		texts[mode][strings.TrimSuffix(file, ".txtar")] = string(b)
	}
	results := make(map[play]error)
	for mode, texts := range texts {
		if err := playAll(mode, texts, results); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".txtar")
		t.Run(name, func(t *testing.T) {
			for _, oracle := range oracles {
				t.Run(oracle, func(t *testing.T) {
					err, played := results[play{name, oracle}]
					if !played {
						t.Skip("needs root, for BPF programs and network namespaces")
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// playAll plays scenarios of one mode. The oracles in the kernel are made once:
// that takes longer than all that is played before them.
func playAll(mode scenario.Mode, texts map[string]string, results map[play]error) error {
	all := func(name string, oracle scenario.Oracle) {
		for s, text := range texts {
			results[play{s, name}] = scenario.Play(s+".txtar", text, oracle)
		}
	}
	all(oracles[0], &scenario.Specification{Mode: mode})
	if os.Getuid() != 0 {
		return nil
	}
	err := scenario.WithTestRuns(mode, func(o *scenario.TestRuns) error {
		all(oracles[1], o)
		return nil
	})
	for i, filters := range []bool{false, true} {
		if err != nil {
			return err
		}
		err = scenario.WithRealPackets(mode, filters, func(o *scenario.RealPackets) error {
			all(oracles[2+i], o)
			return nil
		})
	}
	return err
}
