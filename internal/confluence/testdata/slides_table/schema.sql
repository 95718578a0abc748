-- One table, or two, for each line of the slides' table "invariant, operation, coordination-free?".
CREATE TABLE equality (
    id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    state text CHECK (state = 'open'),
    digit int CHECK (digit <> 7)
);
CREATE TABLE above (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    n  int NOT NULL CHECK (n > 0)
);
CREATE TABLE below (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    n  int NOT NULL CHECK (n < 100)
);
CREATE TABLE given (id int PRIMARY KEY);
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE TABLE parent (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
CREATE TABLE kept (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), parent uuid REFERENCES parent);
CREATE TABLE other (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
CREATE TABLE swept (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), other uuid REFERENCES other ON DELETE CASCADE);
CREATE INDEX swept_by_other ON swept (other);
CREATE MATERIALIZED VIEW totals AS SELECT other, count(*) FROM swept GROUP BY other;
