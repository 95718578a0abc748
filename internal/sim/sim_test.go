package sim

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Int64("sim.seed", -1, "replay this one seed")
	traceFlag = flag.Bool("sim.trace", false, "with -sim.seed: write all that happens")
	seedsFlag = flag.Int("sim.seeds", 500, "how many seeds to run")
	firstFlag = flag.Uint64("sim.first", 0, "the first of them")
)

// summary is the last line of the output.
var summary string

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if summary != "" {
		fmt.Println(summary)
	}
	os.Exit(code)
}

func TestSeeds(t *testing.T) {
	// Shows that whatever happens to a cluster, nothing goes wrong that a checker knows of, and that it recovers.
	if *seedFlag >= 0 {
		replay(t, uint64(*seedFlag))
		return
	}
	seeds := keptSeeds(t)
	for k := range uint64(*seedsFlag) {
		seeds = append(seeds, *firstFlag+k)
	}
	began := time.Now()
	total := runAll(t, seeds)
	summary = fmt.Sprintf("%v, %.1f s", total, time.Since(began).Seconds())
}

// replay runs one seed.
func replay(t *testing.T, seed uint64) {
	t.Helper()
	var out io.Writer
	if *traceFlag {
		out = os.Stdout
	}
	r := Run(seed, out)
	if r.Err != nil {
		t.Errorf("seed %d: %v", seed, r.Err)
	}
	summary = fmt.Sprintf("%v, trace %016x", r.Figures, r.Hash)
}

// runAll runs seeds on all processors and adds up their figures.
func runAll(t *testing.T, seeds []uint64) Figures {
	t.Helper()
	work := make(chan uint64)
	results := make(chan struct {
		seed uint64
		Result
	})
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { // ends when work is closed
			for seed := range work {
				results <- struct {
					seed uint64
					Result
				}{seed, Run(seed, nil)}
			}
		})
	}
	go func() { // ends when all seeds are taken
		for _, seed := range seeds {
			work <- seed
		}
		close(work)
		workers.Wait()
		close(results)
	}()
	var total Figures
	for r := range results {
		total.add(r.Figures)
		if r.Err != nil {
			t.Errorf("seed %d: %v\nreplay it with: make sim SEED=%d", r.seed, r.Err, r.seed)
		}
	}
	return total
}

// keptSeeds are the seeds that once failed.
func keptSeeds(t *testing.T) (seeds []uint64) {
	t.Helper()
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		seed, what, _ := strings.Cut(lines.Text(), "\t")
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil || what == "" {
			t.Fatalf("testdata/seeds.txt: %q is not a seed and what it found", lines.Text())
		}
		seeds = append(seeds, n)
	}
	return seeds
}

func TestReplay(t *testing.T) {
	// Shows that a seed plays the same run to the last event, and another seed another one.
	hashes := make(map[uint64]uint64)
	for seed := range uint64(12) {
		first, second := Run(seed, nil), Run(seed, nil)
		if first.Hash != second.Hash || first.Figures != second.Figures {
			t.Errorf("seed %d: traces %016x and %016x, figures %v and %v", seed, first.Hash, second.Hash, first.Figures, second.Figures)
		}
		if other, taken := hashes[first.Hash]; taken {
			t.Errorf("seeds %d and %d have the same trace", other, seed)
		}
		hashes[first.Hash] = seed
	}
}
