package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// maxKeys limits how many rows of one subject a report names.
const maxKeys = 10

// narrow replaces the difference of a subject by differences of its rows, as
// far as they can be found on every node.
func narrow(ctx context.Context, peers []*peer, digests []NodeDigest, d Difference) []Difference {
	rows, ok := rowsOfAll(digests, d.Subject)
	if !ok {
		return []Difference{d}
	}
	request := groupRequest{Subject: d.Subject, Buckets: bucketsFor(rows)}
	buckets, err := groupsOfAll(ctx, peers, pathBuckets, request)
	if err != nil {
		return []Difference{d.unnarrowed(err)}
	}
	var found []Difference
	for _, bucket := range differing(buckets) {
		request.Bucket = bucket.Bucket
		keys, err := groupsOfAll(ctx, peers, pathKeys, request)
		if err != nil {
			return append(found, d.unnarrowed(err))
		}
		for _, key := range differing(keys) {
			if len(found) == maxKeys {
				d.Detail += "; there are more keys"
				return append(found, d)
			}
			found = append(found, d.ofKey(peers, key.Key, keys))
		}
	}
	if len(found) == 0 {
		return []Difference{d}
	}
	return found
}

// rowsOfAll returns the greatest number of rows of a subject, if every node
// could read it and it has rows.
func rowsOfAll(digests []NodeDigest, subject Subject) (rows int64, ok bool) {
	for _, digest := range digests {
		i := slices.IndexFunc(digest.Sums, func(s Sum) bool { return s.Subject == subject })
		if i < 0 || digest.Sums[i].Problem != "" {
			return 0, false
		}
		rows = max(rows, digest.Sums[i].Rows)
	}
	return rows, true
}

// groupID is what a group is of; one of its fields is zero.
type groupID struct {
	Bucket int64
	Key    string
}

// groupsOfAll asks every peer for its groups and returns them by what they are
// of, in the peers' order.
func groupsOfAll(ctx context.Context, peers []*peer, path string, request groupRequest) (map[groupID][]value, error) {
	answers := make([][]Group, len(peers))
	for i, p := range peers {
		var err error
		if answers[i], err = p.groups(ctx, path, request); err != nil {
			return nil, fmt.Errorf("%s: %w", p.node, err)
		}
	}
	values := make(map[groupID][]value)
	for i, groups := range answers {
		for _, g := range groups {
			id := groupID{g.Bucket, g.Key}
			if values[id] == nil {
				values[id] = make([]value, len(peers))
			}
			values[id][i] = value{same: fmt.Sprintf("%d %s", g.Rows, g.Checksum), words: rowWords(g.Rows)}
		}
	}
	return values, nil
}

func rowWords(rows int64) string {
	if rows == 1 {
		return "present"
	}
	return fmt.Sprintf("%d times", rows)
}

// differing returns, in order, the groups that are not alike on all peers.
func differing(groups map[groupID][]value) []groupID {
	var ids []groupID
	for id, values := range groups {
		if oddOnes(values) != nil {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b groupID) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return ids
}

// ofKey is the difference of one of the subject's rows.
func (d Difference) ofKey(peers []*peer, key string, groups map[groupID][]value) Difference {
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = p.node
	}
	values := groups[groupID{Key: key}]
	d.Key = key
	d.Nodes = pick(names, oddOnes(values))
	d.Detail = describe(names, values)
	return d
}

// unnarrowed says why the rows of a difference are not named.
func (d Difference) unnarrowed(err error) Difference {
	d.Detail += "; the rows were not found: " + err.Error()
	return d
}
