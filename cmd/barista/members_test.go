package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

const fourMembers = `{"version": 9,
	"members": [{"node": 1, "name": "n1", "address": "127.0.0.1:7001", "voter": true}, {"node": 5, "name": "n4", "address": "127.0.0.1:7004", "voter": false},
		{"node": 6, "name": "n5", "address": "127.0.0.1:7005", "voter": false, "spare": true}],
	"expected": [{"name": "n6"}, {"name": "n7", "spare": true}], "removed": ["n2"]}`

const fourMembersTable = `NODE  MEMBER               NUMBER  ADDRESS
n1    voter                1       127.0.0.1:7001
n4    learner              5       127.0.0.1:7004
n5    spare                6       127.0.0.1:7005
n6    expected             -       -
n7    expected as a spare  -       -
n2    removed              -       -
`

func TestMembers(t *testing.T) {
	// Members are shown as a table, and each change is ordered and its outcome told in one line.
	for name, c := range map[string]struct {
		args         []string
		method, path string
		about        string
		status       int
		body         string
		exit         int
		out, error   string
	}{
		"list":      {[]string{"list"}, http.MethodGet, "/members", "", http.StatusOK, fourMembers, 0, fourMembersTable, ""},
		"add":       {[]string{"add", "n6"}, http.MethodPost, "/members/add", "n6", http.StatusOK, fourMembers, 0, "n6 may join: ", ""},
		"add spare": {[]string{"add", "--spare", "n7"}, http.MethodPost, "/members/add-spare", "n7", http.StatusOK, fourMembers, 0, "it stays a spare", ""},
		"recruit":   {[]string{"add", "n5"}, http.MethodPost, "/members/add", "n5", http.StatusOK, fourMembers, 0, "n5 is there; it becomes a voting member", ""},
		"pardon":    {[]string{"pardon", "n4"}, http.MethodPost, "/members/pardon", "n4", http.StatusOK, fourMembers, 0, "n4 votes again", ""},
		"remove":    {[]string{"remove", "n4"}, http.MethodPost, "/members/remove", "n4", http.StatusOK, fourMembers, 0, "n4 is no member any more", ""},
		"refused": {
			[]string{"remove", "n1"}, http.MethodPost, "/members/remove", "n1", http.StatusConflict, "n1 is the last voting member\n", 1, "",
			"barista: members remove: n1 is the last voting member\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := orderly(t, c.method, c.path, c.about, c.status, c.body)
			var out, errs bytes.Buffer
			err := dispatch(t.Context(), append(append([]string{"members"}, c.args...), "--http", address), &out)
			if exit := conclude(err, &errs); exit != c.exit || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.error) {
				t.Errorf("status %d, out %q, error %q", exit, out.String(), errs.String())
			}
		})
	}
}

func TestMembersMistakes(t *testing.T) {
	// What cannot be an order is one line and exit status 2.
	for _, args := range [][]string{
		{}, {"show"}, {"add"}, {"remove", "n1", "n2"}, {"list", "n1"}, {"add", "n1", "--http", "8080"}, {"list", "--http", "127.0.0.1:1"},
	} {
		var out, errs bytes.Buffer
		exit := conclude(dispatch(t.Context(), append([]string{"members"}, args...), &out), &errs)
		if exit != statusMistake || strings.Count(errs.String(), "\n") != 1 || out.Len() > 0 {
			t.Errorf("%v: status %d, out %q, error %q", args, exit, out.String(), errs.String())
		}
	}
}
