package confluence

import (
	"bytes"
	"html/template"
)

// page is the HTML report. It loads nothing from elsewhere.
var page = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Coordination report</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 80em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
th, td { border: 1px solid #ccc; padding: .25em .6em; text-align: left; vertical-align: top }
td.m { text-align: center; font-family: monospace }
.none { background: #e6f4ea } .needed { background: #fce0dd } .unknown { background: #fff2cc } .id { background: #fde9cf }
pre { background: #f6f6f6; padding: .7em; overflow-x: auto } .place { font-family: monospace; color: #666 }
</style></head><body>
<h1>Which transactions need coordination</h1>
<p>{{.Estimate}}</p>
<h2>Transactions and invariants</h2>
<table><tr><th>transaction</th>{{range $n, $i := .Shown}}<th title="{{$i.Title}}">{{$i.Number}}</th>{{end}}</tr>
{{range .Rows}}<tr><th>{{.Name}}</th>{{range .Cells}}<td class="m {{.Class}}" title="{{.Why}}">{{.Mark}}</td>{{end}}</tr>
{{end}}</table>
<pre>{{.Legend}}</pre>
<ol>{{range .Shown}}<li>{{.Title}} <span class="place">{{.Place}}</span></li>{{end}}</ol>
{{if .Folded}}<p>Invariants that every transaction keeps by a plain merge, or that only follow their rows: {{.Folded}}</p>{{end}}
<h2>What needs coordination</h2>
{{range .Findings}}<h3 class="{{.Class}}">{{.F.Subject}}: {{.F.Operation}} in {{.F.Transaction}}</h3>
<p><span class="place">{{.F.Place}}</span> {{.F.Invariant.Name}}: {{.F.Why}}. Mechanism: {{.F.Mechanism}}.</p>
{{if .F.Suggestion}}<p>Suggestion: {{.F.Suggestion}}.</p>{{end}}
{{if .Example}}<pre>{{.Example}}</pre>{{end}}
{{else}}<p>Nothing.</p>{{end}}
{{if .Diagnostics}}<h2>About the input</h2><ul>
{{range .Diagnostics}}<li><span class="place">{{.Place}}</span> {{.Severity}}: {{.Text}}</li>
{{end}}</ul>{{end}}
</body></html>
`))

// What the page shows.
type (
	pageData struct {
		Estimate, Legend string
		Shown            []pageInvariant
		Folded           int
		Rows             []pageRow
		Findings         []pageFinding
		Diagnostics      []Diagnostic
	}
	pageInvariant struct {
		Number int
		Title  string
		Place  Place
	}
	pageRow struct {
		Name  string
		Cells []pageCell
	}
	pageCell    struct{ Mark, Class, Why string }
	pageFinding struct {
		F       *Finding
		Class   string
		Example string
	}
)

// class is the style of a finding.
func (f *Finding) class() string {
	if f.Verdict == Needed && f.Mechanism == DeferredID {
		return "id"
	}
	return string(f.Verdict)
}

// HTML writes the report as one page with the matrix and the counter-examples.
func (r *Report) HTML() ([]byte, error) {
	shown, folded := r.columns()
	data := pageData{Estimate: r.Estimate(), Legend: legend, Folded: folded, Diagnostics: r.Diagnostics}
	for n, i := range shown {
		data.Shown = append(data.Shown, pageInvariant{n + 1, i.title(), i.Place})
	}
	cells := make(map[string]map[*Invariant]*Finding)
	for _, t := range r.Transactions {
		cells[t.Name] = make(map[*Invariant]*Finding)
	}
	for _, f := range r.Findings {
		cells[f.Transaction][f.Invariant] = f
		if f.Verdict == None {
			continue
		}
		shown := pageFinding{F: f, Class: f.class()}
		if f.Example != nil {
			shown.Example = f.Example.String()
		}
		data.Findings = append(data.Findings, shown)
	}
	for _, t := range r.Transactions {
		row := pageRow{Name: t.Name}
		for _, i := range shown {
			cell := pageCell{}
			if f := cells[t.Name][i]; f != nil {
				cell = pageCell{f.mark(), f.class(), f.Why}
			}
			row.Cells = append(row.Cells, cell)
		}
		data.Rows = append(data.Rows, row)
	}
	var out bytes.Buffer
	err := page.Execute(&out, data)
	return out.Bytes(), err
}
