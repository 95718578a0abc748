// Package randomsql writes random SQL from a seed: schema changes, rows, savepoints, triggers, partitions, sequences, large objects. The statements make
// sense most of the time and fail some of the time. It runs nothing: who does says how each went, so that the writer knows what there is.
// The same seed and the same answers give the same statements.
package randomsql
