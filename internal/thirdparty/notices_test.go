package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoticesAreUpToDate(t *testing.T) {
	// The file of notices tells of exactly what the program links now, and none of it is under a licence that is refused.
	t.Parallel()
	want, err := noticesOf("../../cmd/barista")
	must(t, err)
	got, err := os.ReadFile("../../THIRD_PARTY_NOTICES")
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("THIRD_PARTY_NOTICES is not what the licences of the linked modules say now: run make notices")
	}
}

const mit = `Copyright (c) 2026 The Café

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"),
to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
`

const isc = `/*
 * Copyright (c) 2026 The Roastery
 *
 * Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR
 * IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */
`

const gpl = `/* This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public License as published by
   the Free Software Foundation; either version 2, or (at your option) any later version.

   This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of
   MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU General Public License for more details. */
`

// lain returns a module of these files, all of which are compiled that are no licences.
func lain(t *testing.T, files map[string]string) module {
	t.Helper()
	m := module{Path: "example.test/latte", Version: "v1.0.0", Dir: lay(t, t.TempDir(), files)}
	m.folders = []string{m.Dir}
	for name := range files {
		if !legalFile.MatchString(name) {
			m.files = append(m.files, filepath.Join(m.Dir, name))
		}
	}
	return m
}

func TestReadLicences(t *testing.T) {
	// A module's licence, its notice and what a source file brings along are all told of, a text that two modules share once.
	t.Parallel()
	latte, err := lain(t, map[string]string{"LICENSE": mit, "NOTICE.txt": "Milk by others", "foam.c": "#include <stdio.h>\n" + isc, "pour.go": "package latte\n"}).read()
	must(t, err)
	mocha, err := lain(t, map[string]string{"LICENSE": mit}).read()
	must(t, err)
	text := string(write([]component{latte, mocha}))
	for _, want := range []string{"\nexample.test/latte v1.0.0: ISC, MIT\n- text 1 (LICENSE)\n- text 2 (NOTICE.txt)\n- text 3 (foam.c)\n", "example.test/latte v1.0.0: MIT\n- text 1 (LICENSE)\n",
		"----- text 1 -----\n\n" + mit, "----- text 2 -----\n\nMilk by others\n", "----- text 3 -----\n\nCopyright (c) 2026 The Roastery\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%d times, want once: %q in\n%s", strings.Count(text, want), want, text)
		}
	}
}

func TestRefusedLicences(t *testing.T) {
	// What is unknown or would bind the whole program is refused, in licence files, names of licences and comments.
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"allowed", map[string]string{"LICENSE": mit}, nil},
		{"no licence", map[string]string{"NOTICE": "by us"}, []string{"example.test/latte v1.0.0: ", " has no file with a licence"}},
		{"an unknown licence", map[string]string{"LICENSE": "Whoever pours this shall drink it."}, []string{"example.test/latte v1.0.0: LICENSE is no licence that is known"}},
		{"more than a known licence", map[string]string{"LICENSE": mit + strings.Repeat("But not on Mondays, nor in any month of which the name has an R. ", 10)}, []string{"LICENSE is no licence that is known"}},
		{"GPL", map[string]string{"COPYING": gpl}, []string{"COPYING is under GPL-2.0-or-later: it must not be linked"}},
		{"GPL in a notice", map[string]string{"LICENSE": mit, "NOTICE": gpl}, []string{"NOTICE is under GPL-2.0-or-later"}},
		{"GPL in a comment", map[string]string{"LICENSE": mit, "foam.c": gpl + "int foam;\n"}, []string{"foam.c is under GPL-2.0-or-later"}},
		{"a parser of Bison", map[string]string{"LICENSE": mit, "foam.c": gpl + "\n/* As a special exception, you may create a larger work that contains\n   part or all of the Bison parser skeleton, under this licence. */\n"}, nil},
		{"an exception of something else", map[string]string{"LICENSE": mit, "foam.c": gpl + "int foam;\n/* As a special exception, you may create a larger work that contains\n   part or all of the Bison parser skeleton, under this licence. */\n"},
			[]string{"foam.c is under GPL-2.0-or-later"}},
		{"a name", map[string]string{"LICENSE": mit, "pour.go": "// SPDX-License-Identifier: MIT AND AGPL-3.0-only\n\npackage latte\n"}, []string{"pour.go is under AGPL-3.0-only"}},
		{"names that are allowed", map[string]string{"LICENSE": mit, "pour.go": "// SPDX-License-Identifier: (MIT OR Apache-2.0)\n\npackage latte\n"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := lain(t, test.files).read()
			wantError(t, err, test.want...)
		})
	}
}
