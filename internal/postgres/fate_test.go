package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/account"
)

// fateVariable makes this test program play barista: it starts the server that the variable describes, prints the
// postmaster's process number and waits to be killed.
const fateVariable = "BARISTA_TEST_FATE"

func TestMain(m *testing.M) {
	if described := os.Getenv(fateVariable); described != "" {
		if err := playBarista(described); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func playBarista(described string) error {
	var c Config
	err := json.Unmarshal([]byte(described), &c)
	if err != nil {
		return err
	}
	if c.Account, err = account.Lookup(""); err != nil {
		return err
	}
	s, err := c.Start(context.Background())
	if err != nil {
		return err
	}
	fmt.Println("started", s.PID())
	<-s.Done()
	return s.Err()
}

func testFate(t *testing.T, c Config) {
	// When barista is killed, its server goes too, without anyone's help.
	described, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	barista := exec.Command(self)
	barista.Env = append(os.Environ(), fateVariable+"="+string(described))
	output, err := barista.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := barista.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = barista.Process.Kill()
		_ = barista.Wait()
	}()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "started ") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if len(running(t, c)) == 0 {
		t.Fatal("no server runs")
	}
	if err := barista.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx := bounded(t)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for len(running(t, c)) > 0 {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("processes %v outlive barista", running(t, c))
		}
	}
}
