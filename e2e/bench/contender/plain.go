package contender

import (
	"context"

	"github.com/baristadb/barista/e2e/bench/usage"
)

// Plain is one PostgreSQL server with its default synchronous_commit=on, and nobody else.
type Plain struct {
	dir      string
	programs Programs
	server   *server
}

// NewPlain returns a contender that will keep its data in dir, which exists.
func NewPlain(dir string, programs Programs) *Plain { return &Plain{dir: dir, programs: programs} }

// Start implements Contender.
func (p *Plain) Start(ctx context.Context) error {
	var err error
	if p.server, err = newServer(p.dir, "plain", p.programs); err != nil {
		return err
	}
	if err := p.server.init(ctx); err != nil {
		return err
	}
	return p.server.start(ctx, nil)
}

// Stop implements Contender.
func (p *Plain) Stop(ctx context.Context) error {
	p.server.stop(ctx)
	return nil
}

// Doors implements Contender.
func (p *Plain) Doors() []Door {
	return []Door{{"plain", func(context.Context) (string, error) { return p.server.address(), nil }}}
}

// Roots implements Contender.
func (p *Plain) Roots(context.Context) ([]usage.Root, error) {
	return []usage.Root{p.server.root()}, nil
}

// Settle implements Contender: there is only one copy.
func (p *Plain) Settle(context.Context) error { return nil }
