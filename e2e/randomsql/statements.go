package randomsql

// statements are what a writer writes, with how often.
var statements = []struct {
	weight int
	write  func(*Writer) (string, effect)
}{
	{40, (*Writer).insert},
	{25, (*Writer).change},
	{12, (*Writer).remove},
	{10, (*Writer).upsert},
	{6, (*Writer).merge},
	{6, (*Writer).chain},
	{15, (*Writer).query},
	{2, (*Writer).truncate},
	{4, (*Writer).createTable},
	{1, (*Writer).dropTable},
	{4, (*Writer).addColumn},
	{2, (*Writer).dropColumn},
	{1, (*Writer).renameColumn},
	{3, (*Writer).addIndex},
	{2, (*Writer).addConstraint},
	{2, (*Writer).addForeignKey},
	{2, (*Writer).reattach},
	{1, (*Writer).createAs},
	{1, (*Writer).changeType},
	{4, (*Writer).block},
	{3, (*Writer).addTrigger},
	{1, (*Writer).switchTriggers},
	{2, (*Writer).eventTrigger},
	{1, (*Writer).createSequence},
	{3, (*Writer).useSequence},
	{5, (*Writer).largeObject},
	{10, (*Writer).begin},
	{8, (*Writer).savepoint},
	{4, (*Writer).release},
	{4, (*Writer).rollbackTo},
	{10, (*Writer).commit},
	{3, (*Writer).rollback},
}

// total is the sum of the weights.
var total = func() (sum int) {
	for _, s := range statements {
		sum += s.weight
	}
	return sum
}()
