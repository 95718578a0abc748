-- "Only one ops on staff at a time" of the slides.
CREATE TABLE staff (
    name    text PRIMARY KEY,
    on_duty boolean NOT NULL DEFAULT false
);

-- invariant: one_on_duty
SELECT count(*) = 1 FROM staff WHERE on_duty;
