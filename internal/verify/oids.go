package verify

import "strings"

// oids is the part of the catalog that compares the OIDs of objects. It is apart
// from their definitions: a node whose objects have other OIDs still holds the same.
const oids = "OIDs"

// catalogsWithOIDs are the catalogs whose objects have the leader's OIDs on every
// node, but for shared ones, and those that not everybody may read.
var catalogsWithOIDs = []string{
	"pg_namespace", "pg_class", "pg_type", "pg_attrdef", "pg_constraint", "pg_trigger", "pg_rewrite", "pg_policy", "pg_proc", "pg_operator",
	"pg_opclass", "pg_opfamily", "pg_amop", "pg_amproc", "pg_am", "pg_cast", "pg_collation", "pg_conversion", "pg_language", "pg_transform",
	"pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template", "pg_statistic_ext", "pg_extension", "pg_event_trigger",
	"pg_foreign_data_wrapper", "pg_foreign_server", "pg_publication", "pg_publication_rel", "pg_publication_namespace", "pg_default_acl",
}

// oidsOf returns the query for the OIDs in catalogs. What initdb made is left out,
// and so are temporary objects and the tables of values that are kept out of line,
// which VACUUM FULL makes anew on each node by itself.
func oidsOf(catalogs []string) string {
	parts := []string{`
		SELECT format('value %L of type %s', e.enumlabel, format_type(e.enumtypid, NULL)) AS key, format('%s', e.oid) AS image
		FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE e.oid >= '16384' AND n.nspname !~ '^pg_temp'`}
	for _, catalog := range catalogs {
		parts = append(parts, `
		SELECT format('%s %s', o.type, o.identity), format('%s', c.oid)
		FROM `+catalog+` c, pg_identify_object(c.tableoid, c.oid, '0') o
		WHERE c.oid >= '16384' AND o.identity !~ '(^| )pg_(toast|temp)'`)
	}
	return strings.Join(parts, " UNION ALL ")
}
