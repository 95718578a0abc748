package confluence

// Class is how much coordination a transaction needs as a whole.
type Class string

// The classes, as reports name them.
const (
	Free        Class = "free"         // no coordination
	OnlyID      Class = "id only"      // it waits for a number when it commits
	Unclear     Class = "unknown"      // treated as Coordinated
	Coordinated Class = "coordination" // as a whole
)

// Cost estimates what a mix of transactions pays for coordination. The shares are of 1 and add up to it.
type Cost struct {
	Free        float64          `json:"free"`
	OnlyID      float64          `json:"id_only"`
	Unclear     float64          `json:"unknown"`
	Coordinated float64          `json:"coordination"`
	Weighted    bool             `json:"weighted"` // by given weights; else each transaction counts the same
	Classes     map[string]Class `json:"classes"`  // of each transaction
}

// costOf classifies the transactions and adds up their weights.
func costOf(r *Report) Cost {
	c := Cost{Classes: make(map[string]Class)}
	rank := map[Class]int{Free: 0, OnlyID: 1, Unclear: 2, Coordinated: 3}
	for _, t := range r.Transactions {
		c.Classes[t.Name] = Free
		c.Weighted = c.Weighted || t.Weight > 0
	}
	for _, f := range r.Findings {
		class := Free
		switch {
		case f.Verdict == Unknown:
			class = Unclear
		case f.Verdict == Needed && f.Mechanism == DeferredID:
			class = OnlyID
		case f.Verdict == Needed:
			class = Coordinated
		}
		if rank[class] > rank[c.Classes[f.Transaction]] {
			c.Classes[f.Transaction] = class
		}
	}
	total := 0.0
	for _, t := range r.Transactions {
		total += c.weight(t)
	}
	for _, t := range r.Transactions {
		if total == 0 {
			break
		}
		share := c.weight(t) / total
		switch c.Classes[t.Name] {
		case Free:
			c.Free += share
		case OnlyID:
			c.OnlyID += share
		case Unclear:
			c.Unclear += share
		case Coordinated:
			c.Coordinated += share
		}
	}
	return c
}

func (c Cost) weight(t *Transaction) float64 {
	if c.Weighted {
		return t.Weight
	}
	return 1
}
