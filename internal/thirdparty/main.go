// Thirdparty looks after what others wrote of what the program links: "notices" writes their licences into one file and refuses
// those that bind the program, "vulncheck" finds modules that are known to be vulnerable or were retracted. It is a tool for
// those who build Barista; the program itself does not have it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `usage: thirdparty notices PACKAGE FILE
       thirdparty vulncheck [-db URL] BINARY`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "thirdparty: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) == 3 && args[0] == "notices" {
		text, err := noticesOf(args[1])
		if err != nil {
			return err
		}
		return os.WriteFile(args[2], text, 0o644)
	}
	if len(args) > 1 && args[0] == "vulncheck" {
		c := check{module: ".", copied: pinned, out: stdout}
		flags := flag.NewFlagSet("vulncheck", flag.ContinueOnError)
		flags.StringVar(&c.database, "db", "https://vuln.go.dev", "`URL` of the vulnerability database")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		c.binary = flags.Arg(0)
		return c.run()
	}
	return fmt.Errorf("a wrong call\n%s", usage)
}
