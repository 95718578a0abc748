package confluence

import "encoding/json"

// The parts of SARIF 2.1.0 (OASIS) that a report needs, by the names of the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Summary sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// sarifRules are the rules that results name.
var sarifRules = []sarifRule{
	{"coordination-needed", sarifText{"A transaction needs coordination to keep an invariant."}},
	{"coordination-unknown", sarifText{"Whether a transaction needs coordination is not known."}},
	{"input", sarifText{"Something about the input."}},
}

// SARIF writes what needs coordination, and what is wrong with the input, for code hosts.
func (r *Report) SARIF() ([]byte, error) {
	results := []sarifResult{}
	add := func(rule string, d Diagnostic) {
		results = append(results, sarifResult{
			RuleID: rule, Level: string(d.Severity), Message: sarifText{oneLine(d.Text)},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{d.Place.File}, sarifRegion{d.Place.Line, d.Place.Col}}}},
		})
	}
	for _, f := range r.Findings {
		switch f.Verdict {
		case Needed:
			add("coordination-needed", f.diagnostic())
		case Unknown:
			add("coordination-unknown", f.diagnostic())
		}
	}
	for _, d := range r.Diagnostics {
		add("input", d)
	}
	log := sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{sarifDriver{"barista analyze", sarifRules}}, Results: results}},
	}
	out, err := json.MarshalIndent(log, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}
