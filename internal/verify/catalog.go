package verify

// The catalog is compared as people see it: by names and by the text of
// definitions, not by physical details, which differ between servers that hold the
// same. Applications store OIDs, so they are compared too, as a part of their own
// (oids.go). Every part of it has a query with the two columns of a source.
//
// Nothing that is made in a database may have a say in these queries. With
// search_path = pg_catalog nobody's functions and operators are found by name, but
// casts are in no schema: a superuser may have made one of any type to text, upon a
// function whose owner has changed it since. So a value becomes text by format()
// with %s, which calls its type's output function, or as a column of a ROW that is
// cast, since a cast of type record cannot be made; and what operators and functions
// are given has the very types that they take, or is a literal in quotes. What
// PUBLIC may not read comes from the extension, as hashes.

type part struct{ name, sql string }

func catalogOf(database string) []source { return sourcesOfParts(database, catalogParts) }

func sharedCatalog() []source { return sourcesOfParts("", sharedParts) }

func sourcesOfParts(database string, parts []part) []source {
	sources := make([]source, len(parts))
	for i, p := range parts {
		sources[i] = source{Subject: Subject{Database: database, Kind: Catalog, Name: p.name}, sql: p.sql}
	}
	return sources
}

// acl returns an expression for access rights in an order of their own.
func acl(column string) string {
	return `(SELECT array_agg(format('%s', item) ORDER BY format('%s', item) COLLATE "C") FROM unnest(` + column + `) item)`
}

// hashed returns an expression for options that may hold passwords.
func hashed(options string) string { return hash(`format('%s', ` + options + `)`) }

// catalogParts are the parts of each database's own catalog. A column's option
// pg_attver, which the security releases of late 2026 brought, is a version that
// each server counts for itself.
var catalogParts = []part{
	{"schemas", `
		SELECT n.nspname AS key, ROW(pg_get_userbyid(n.nspowner), ` + acl("n.nspacl") + `)::text AS image
		FROM pg_namespace n WHERE ` + ofUsers},
	{"relations", `
		SELECT format('%I.%I', n.nspname, c.relname) AS key,
			ROW(c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), ` + acl("c.relacl") + `,
				c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, m.amname, t.spcname,
				pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), of.typname,
				CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
				(SELECT array_agg(format('%I.%I', pn.nspname, p.relname) ORDER BY i.inhseqno)
					FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
					WHERE i.inhrelid = c.oid))::text AS image
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
			LEFT JOIN pg_type of ON of.oid = c.reloftype
		WHERE c.relpersistence <> 't' AND ` + ofUsers},
	{"columns", `
		SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname) AS key,
			ROW(row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
				a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage,
				a.attcompression, a.attstattarget, a.attislocal, a.attinhcount, l.collname,
				(SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver='),
				` + acl("a.attacl") + `)::text AS image
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relpersistence <> 't'
			AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND ` + ofUsers},
	{"constraints", `
		SELECT format('%I.%I.%I', n.nspname, coalesce(r.relname, t.typname), c.conname) AS key,
			ROW(pg_get_constraintdef(c.oid), c.contype, c.condeferrable, c.condeferred, c.convalidated,
				c.conislocal, c.coninhcount, c.connoinherit)::text AS image
		FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
			LEFT JOIN pg_class r ON r.oid = c.conrelid LEFT JOIN pg_type t ON t.oid = c.contypid
		WHERE coalesce(r.relpersistence, 'p') <> 't' AND ` + ofUsers},
	{"indexes", `
		SELECT format('%I.%I', n.nspname, c.relname) AS key,
			ROW(pg_get_indexdef(c.oid), i.indisvalid OR c.relkind = 'i' AND NOT i.indisready, i.indisprimary, i.indisclustered, i.indisreplident)::text AS image
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence <> 't' AND ` + ofUsers},
	{"triggers", `
		SELECT format('%I.%I.%I', n.nspname, c.relname, t.tgname) AS key,
			ROW(pg_get_triggerdef(t.oid), t.tgenabled)::text AS image
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE NOT t.tgisinternal AND c.relpersistence <> 't' AND ` + ofUsers},
	{"rules", `
		SELECT format('%I.%I.%I', n.nspname, c.relname, r.rulename) AS key,
			ROW(pg_get_ruledef(r.oid), r.ev_enabled)::text AS image
		FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't' AND ` + ofUsers},
	{"policies", `
		SELECT format('%I.%I.%I', p.schemaname, p.tablename, p.policyname) AS key, ROW(p.*)::text AS image
		FROM pg_policies p`},
	{"functions", `
		SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS key,
			ROW(pg_get_userbyid(p.proowner), ` + acl("p.proacl") + `, pg_get_function_result(p.oid),
				CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
				a.aggkind, a.aggtransfn::regproc, a.aggfinalfn::regproc, a.aggcombinefn::regproc,
				a.aggtranstype::regtype, a.agginitval, a.aggsortop::regoperator)::text AS image
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
		WHERE ` + ofUsers},
	{"types", `
		SELECT format('%I.%I', n.nspname, t.typname) AS key,
			ROW(t.typtype, pg_get_userbyid(t.typowner), ` + acl("t.typacl") + `, t.typinput::regproc, t.typnotnull,
				t.typdefault, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
				(SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
				r.rngsubtype::regtype, r.rngsubdiff::regproc, r.rngcanonical::regproc)::text AS image
		FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
			LEFT JOIN pg_range r ON r.rngtypid = t.oid LEFT JOIN pg_class c ON c.oid = t.typrelid
		WHERE coalesce(c.relkind, 'c') = 'c' AND t.typcategory <> 'A' AND ` + ofUsers},
	{"operators", `
		SELECT format('%s', o.oid::regoperator) AS key,
			ROW(pg_get_userbyid(o.oprowner), o.oprcode::regproc, o.oprcom::regoperator, o.oprnegate::regoperator,
				o.oprrest::regproc, o.oprjoin::regproc, o.oprcanmerge, o.oprcanhash)::text AS image
		FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE ` + ofUsers},
	{"sequences", `
		SELECT format('%I.%I', n.nspname, c.relname) AS key,
			ROW(format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)::text AS image
		FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence <> 't' AND ` + ofUsers},
	{"statistics", `
		SELECT format('%I.%I', n.nspname, s.stxname) AS key,
			ROW(pg_get_userbyid(s.stxowner), pg_get_statisticsobjdef(s.oid), s.stxstattarget)::text AS image
		FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ` + ofUsers},
	{"extensions", `
		SELECT format('%s', e.extname) AS key, ROW(e.extversion, n.nspname, pg_get_userbyid(e.extowner))::text AS image
		FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace`},
	{"event triggers", `
		SELECT format('%s', e.evtname) AS key,
			ROW(e.evtevent, pg_get_userbyid(e.evtowner), e.evtfoid::regproc, e.evtenabled, e.evttags)::text AS image
		FROM pg_event_trigger e`},
	{"foreign data wrappers", `
		SELECT format('%s', w.fdwname) AS key,
			ROW(pg_get_userbyid(w.fdwowner), w.fdwhandler::regproc, w.fdwvalidator::regproc, ` + acl("w.fdwacl") + `, ` + hashed("w.fdwoptions") + `)::text AS image
		FROM pg_foreign_data_wrapper w`},
	{"foreign servers", `
		SELECT format('%s', s.srvname) AS key,
			ROW(pg_get_userbyid(s.srvowner), w.fdwname, s.srvtype, s.srvversion, ` + acl("s.srvacl") + `, ` + hashed("s.srvoptions") + `)::text AS image
		FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw`},
	{"user mappings", `
		SELECT ROW(m.srvname, CASE WHEN m.umuser <> '0' THEN pg_get_userbyid(m.umuser) END)::text AS key, format('%s', h.hash) AS image
		FROM pg_user_mappings m JOIN barista_hidden('pg_user_mapping') h ON h.object = m.umid`},
	{"foreign tables", `
		SELECT format('%I.%I', n.nspname, c.relname) AS key,
			ROW(s.srvname, ` + hashed("f.ftoptions") + `,
				(SELECT array_agg(ROW(a.attname, ` + hashed("a.attfdwoptions") + `)::text ORDER BY a.attnum)
					FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))::text AS image
		FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
			JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence <> 't'`},
	{"default rights", `
		SELECT ROW(pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype)::text AS key,
			format('%s', ` + acl("d.defaclacl") + `) AS image
		FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`},
	{"large objects", `
		SELECT format('%s', l.oid) AS key,
			ROW(pg_get_userbyid(l.lomowner), ` + acl("l.lomacl") + `, obj_description(l.oid, 'pg_largeobject'))::text AS image
		FROM pg_largeobject_metadata l`},
	{"pages of large objects", `
		SELECT format('%s, page %s', h.object, h.part) AS key, format('%s', h.hash) AS image
		FROM barista_hidden('pg_largeobject') h`},
	{"comments", `
		SELECT o.identity AS key, ROW(o.type, d.description)::text AS image
		FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
		WHERE d.objoid >= '16384' AND o.schema IS DISTINCT FROM 'pg_catalog' AND o.schema !~ '^pg_temp' IS NOT FALSE`},
	{"security labels", `
		SELECT format('%s %s %s', l.objtype, l.objname, l.provider) AS key, l.label AS image
		FROM pg_seclabels l WHERE l.classoid NOT IN (SELECT oid FROM pg_class WHERE relisshared)`},
	{oids, oidsOf(catalogsWithOIDs)},
}

// sharedParts are the parts of the catalog that all databases share. Of a
// role's password only a hash of the stored verifier is looked at.
var sharedParts = []part{
	{"roles", `
		SELECT format('%s', a.rolname) AS key,
			ROW(a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin, a.rolreplication,
				a.rolbypassrls, a.rolconnlimit, a.rolvaliduntil, h.hash)::text AS image
		FROM pg_roles a JOIN barista_hidden('pg_authid') h ON h.object = a.oid`},
	{"role memberships", `
		SELECT ROW(pg_get_userbyid(m.roleid), pg_get_userbyid(m.member))::text AS key,
			ROW(pg_get_userbyid(m.grantor), m.admin_option)::text AS image
		FROM pg_auth_members m`},
	{"databases", `
		SELECT format('%s', d.datname) AS key,
			ROW(pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.daticulocale,
				d.datlocprovider, d.datistemplate, d.datallowconn, d.datconnlimit, ` + acl("d.datacl") + `)::text AS image
		FROM pg_database d WHERE d.datconnlimit <> -2 /* dropped, and not yet gone */`},
	{"settings", `
		SELECT ROW(d.datname, a.rolname)::text AS key,
			format('%s', (SELECT array_agg(c ORDER BY c COLLATE "C") FROM unnest(s.setconfig) c)) AS image
		FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles a ON a.oid = s.setrole`},
	{"security labels", `
		SELECT format('%s %s %s', coalesce(a.rolname, d.datname), l.classoid::regclass, l.provider) AS key, l.label AS image
		FROM pg_shseclabel l LEFT JOIN pg_roles a ON l.classoid = 'pg_authid'::regclass::oid AND a.oid = l.objoid
			LEFT JOIN pg_database d ON l.classoid = 'pg_database'::regclass::oid AND d.oid = l.objoid`},
	{"parameter rights", `
		SELECT p.parname AS key, format('%s', ` + acl("p.paracl") + `) AS image FROM pg_parameter_acl p`},
	{oids, `
		SELECT format('role %I', a.rolname) AS key, format('%s', a.oid) AS image FROM pg_roles a
		UNION ALL SELECT format('database %I', d.datname), format('%s', d.oid) FROM pg_database d WHERE d.datconnlimit <> -2`},
}
