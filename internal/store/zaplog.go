package store

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapTo returns a logger for etcd that writes to log. etcd is a part of us and
// its warnings are mostly about clusters, so only its errors keep their level;
// the rest is for debugging.
func zapTo(log *slog.Logger) *zap.Logger { return zap.New(slogCore{log}) }

// earlyStorageVersion is what etcd's monitor says as an error when it looks at
// a new database before the first write; it tries again and succeeds.
const earlyStorageVersion = "failed to update storage version"

// A slogCore is a zapcore.Core in front of a slog.Logger.
type slogCore struct{ log *slog.Logger }

func (c slogCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(l))
}

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{c.log.With(slogArgs(fields)...)}
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slogLevel(e.Level)
	if e.Message == earlyStorageVersion {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, "etcd: "+e.Message, slogArgs(fields)...)
	return nil
}

func (c slogCore) Sync() error { return nil }

func slogLevel(l zapcore.Level) slog.Level {
	if l >= zapcore.ErrorLevel {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// slogArgs turns zap's typed fields into key-value pairs.
func slogArgs(fields []zapcore.Field) []any {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	args := make([]any, 0, 2*len(m.Fields))
	for k, v := range m.Fields {
		args = append(args, slog.Any(k, v))
	}
	return args
}
