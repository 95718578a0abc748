SELECT obj_description('t'::regclass), col_description('t'::regclass, 1), obj_description('i'::regclass);
