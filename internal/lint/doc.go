// Package lint is the house style as a test: who may import whom, that pure
// packages touch nothing of the world, that every package says what it is for,
// and the small rules that reviews would otherwise repeat. It has no code of
// its own. It looks at the files that git knows, or at all where there is no
// git, and reads only syntax, so that it is fast and needs no build.
package lint
