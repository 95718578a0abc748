package session

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Every failure says what happened, has a valid SQLSTATE, and tells the truth about whether the transaction may be repeated.
func TestFailures(t *testing.T) {
	tests := []struct {
		failure *Failure
		outcome Outcome
	}{
		{LostIdle("n1"), Disconnected},
		{LostUnknown("n1"), Unknown},
		{LostAtStart("n1"), Disconnected},
		{NoLeader(10*time.Second, ""), Disconnected},
		{GaveWay(), Disconnected},
		{Crowded(10 * time.Second), Disconnected},
		{ReservedRole("barista"), Failed},
		{ReservedSetting("barista.session"), Failed},
		{NoReplication(), Unsupported},
		{UnsupportedProtocol(2, 0), Unsupported},
		{BrokenProtocol("length 3"), Failed},
		{ShuttingDown(), Refused},
		{CutByShutdown(), Unknown},
	}
	for _, test := range tests {
		f := test.failure
		if len(f.SQLSTATE) != 5 || f.Message == "" {
			t.Errorf("%+v: incomplete", f)
		}
		if got := OutcomeOf(f.SQLSTATE); got != test.outcome {
			t.Errorf("%v: outcome %v, want %v", f, got, test.outcome)
		}
		wrapped := fmt.Errorf("connect: %w", f)
		if got, want := SafeToRetry(wrapped), test.outcome.SafeToRetry(); got != want {
			t.Errorf("SafeToRetry(%v) = %v, want %v", wrapped, got, want)
		}
	}
	if SafeToRetry(errors.New("something else")) {
		t.Error("an error that is no Failure must not be called safe to retry")
	}
}

// What PostgreSQL's gate answers is classified as the guarantees say.
func TestOutcomeOf(t *testing.T) {
	for sqlstate, want := range map[string]Outcome{
		"40001": Refused, "40P01": Refused, "25006": Refused, "57P01": Refused, "08007": Unknown, "0A000": Unsupported,
		"08006": Disconnected, "57P03": Disconnected, "23505": Failed, "": Failed,
	} {
		if got := OutcomeOf(sqlstate); got != want {
			t.Errorf("OutcomeOf(%q) = %v, want %v", sqlstate, got, want)
		}
	}
}
