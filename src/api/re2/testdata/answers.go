// Reads lines of JSON, {"pattern": ..., "texts": [...]}, and writes what Go's regexp says of each.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var c struct {
			Pattern string   `json:"pattern"`
			Texts   []string `json:"texts"`
		}
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			panic(err)
		}
		re, err := regexp.Compile(c.Pattern)
		if err != nil {
			out.Encode(map[string]any{"pattern": c.Pattern, "error": err.Error()})
			continue
		}
		found := map[string][]string{}
		for _, t := range c.Texts {
			found[t] = append([]string{}, re.FindAllString(t, -1)...)
		}
		out.Encode(map[string]any{"pattern": c.Pattern, "found": found})
	}
}
