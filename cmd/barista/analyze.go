package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/confluence"
)

// maxSource limits one file of SQL, in bytes.
const maxSource = 256 << 20

// analyzeFlags are the flags of barista analyze.
type analyzeFlags struct {
	files          []string
	dsn            string
	fromStats      bool
	json           bool
	sarif, html    string
	explain, quiet bool
	failOn         string
	mix            string
}

// runAnalyze tells which transactions need coordination. It ends with status 1 if --fail-on finds what it asks for,
// and with status 2 if some of the input is not usable.
func runAnalyze(ctx context.Context, args []string, stdout io.Writer) error {
	f, err := parseAnalyzeFlags(args, stdout)
	if err != nil {
		return unlessHelped(err)
	}
	mix, err := parseMix(f.mix)
	if err != nil {
		return err
	}
	sources, err := analyzeSources(ctx, f)
	if err != nil {
		return err
	}
	report, err := confluence.Analyze(confluence.Input{Sources: sources, Mix: mix})
	if err != nil {
		for _, d := range report.Diagnostics {
			fmt.Fprintf(stdout, "%s: %s: %s\n", d.Place, d.Severity, d.Text)
		}
		return config.Mistakef("analyze: %w", err)
	}
	if err := writeReport(f, report, stdout); err != nil {
		return err
	}
	return judgeReport(f.failOn, report)
}

// parseAnalyzeFlags reads flags and file names, in any order.
func parseAnalyzeFlags(args []string, stdout io.Writer) (analyzeFlags, error) {
	var f analyzeFlags
	flags := newFlags("analyze")
	flags.StringVar(&f.dsn, "dsn", "", "read the schema of the live database that `DSN` names")
	flags.BoolVar(&f.fromStats, "from-stats", false, "with --dsn: take the statements of pg_stat_statements as transactions, weighted by their calls")
	flags.BoolVar(&f.json, "json", false, "write the whole report as JSON")
	flags.StringVar(&f.sarif, "sarif", "", "write SARIF 2.1.0, for code hosts, to `FILE`")
	flags.StringVar(&f.html, "html", "", "write a self-contained HTML report to `FILE`")
	flags.BoolVar(&f.explain, "explain", false, "write a counter-example in SQL for everything that needs coordination")
	flags.BoolVar(&f.quiet, "quiet", false, "write the lines only: no table, suggestions or estimate")
	flags.StringVar(&f.failOn, "fail-on", "", "end with status 1 if coordination is `needed`, or needed or unknown")
	flags.StringVar(&f.mix, "mix", "", "weights of transactions, as `NAME=N,NAME=N`, for the estimate")
	for rest := args; ; {
		err := flags.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, "usage: barista analyze [FLAGS] FILE.sql...\n\nTells which transactions need coordination, which do not, and why; see docs/analyze.md.\n\n")
			flags.SetOutput(stdout)
			flags.PrintDefaults()
			return f, errHelped
		}
		if err != nil {
			return f, config.Mistakef("analyze: %w", err)
		}
		if flags.NArg() == 0 {
			break
		}
		f.files = append(f.files, flags.Arg(0))
		rest = flags.Args()[1:]
	}
	return f, f.check()
}

// check refuses flags that do not go together.
func (f *analyzeFlags) check() error {
	switch {
	case len(f.files) == 0 && f.dsn == "":
		return config.Mistakef("analyze: name SQL files, or a live database with --dsn")
	case f.fromStats && f.dsn == "":
		return config.Mistakef("analyze: --from-stats needs --dsn: pg_stat_statements is in a live database")
	case !slices.Contains([]string{"", "needed", "unknown"}, f.failOn):
		return config.Mistakef("analyze: --fail-on %s: want needed or unknown", f.failOn)
	}
	return nil
}

// parseMix reads NAME=N,NAME=N.
func parseMix(text string) (map[string]float64, error) {
	mix := make(map[string]float64)
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' }) {
		name, number, _ := strings.Cut(part, "=")
		weight, err := strconv.ParseFloat(number, 64)
		if err != nil || !(weight >= 0 && weight <= 1e15) {
			return nil, config.Mistakef("analyze: --mix %s: want NAME=N with a number that is not negative", part)
		}
		mix[strings.TrimSpace(name)] = weight
	}
	return mix, nil
}

// analyzeSources reads the files and the live database.
func analyzeSources(ctx context.Context, f analyzeFlags) ([]confluence.Source, error) {
	var sources []confluence.Source
	if f.dsn != "" {
		live, err := liveSources(ctx, f.dsn, f.fromStats)
		if err != nil {
			return nil, err
		}
		sources = live
	}
	for _, name := range f.files {
		text, err := readSource(name)
		if err != nil {
			return nil, config.Mistakef("analyze: %w", err)
		}
		sources = append(sources, confluence.Source{Name: filepath.ToSlash(name), Text: text})
	}
	return sources, nil
}

// readSource reads a file of SQL.
func readSource(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSource+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxSource {
		return "", fmt.Errorf("%s: more than %d bytes", name, maxSource)
	}
	return string(data), nil
}

// writeReport writes the report in the forms that were asked for.
func writeReport(f analyzeFlags, report *confluence.Report, stdout io.Writer) error {
	for _, out := range []struct {
		name   string
		render func() ([]byte, error)
	}{{f.sarif, report.SARIF}, {f.html, report.HTML}} {
		if out.name == "" {
			continue
		}
		data, err := out.render()
		if err != nil {
			return fmt.Errorf("analyze: make %s: %w", out.name, err)
		}
		if err := os.WriteFile(out.name, data, 0o644); err != nil {
			return config.Mistakef("analyze: %w", err)
		}
	}
	if f.json {
		data, err := report.JSON()
		if err == nil {
			_, err = stdout.Write(data)
		}
		return err
	}
	text := report.Lines()
	if !f.quiet {
		text += "\n" + report.Table() + "\n" + report.Suggestions()
	}
	if f.explain {
		text += "\n" + report.CounterExamples()
	}
	if !f.quiet {
		text += report.Estimate()
	}
	_, err := io.WriteString(stdout, text)
	return err
}

// judgeReport makes the exit status.
func judgeReport(failOn string, report *confluence.Report) error {
	for _, d := range report.Diagnostics {
		if d.Severity == confluence.Error {
			return ExitError{Code: statusMistake}
		}
	}
	for _, finding := range report.Findings {
		if finding.Verdict == confluence.Needed && failOn != "" || finding.Verdict == confluence.Unknown && failOn == "unknown" {
			return ExitError{Code: statusFailed}
		}
	}
	return nil
}
