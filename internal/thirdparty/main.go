// Thirdparty looks after what others wrote of what the program links: "notices" writes their licences into one file and refuses
// those that bind the program. It is a tool for those who build Barista; the program itself does not have it.
package main

import (
	"fmt"
	"os"
)

const usage = `usage: thirdparty notices PACKAGE FILE`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "thirdparty: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "notices" {
		text, err := noticesOf(args[1])
		if err != nil {
			return err
		}
		return os.WriteFile(args[2], text, 0o644)
	}
	return fmt.Errorf("a wrong call\n%s", usage)
}
