CREATE DATABASE case_rename;
ALTER DATABASE case_rename RENAME TO case_renamed;
DROP DATABASE IF EXISTS case_rename;
DROP DATABASE IF EXISTS case_renamed;
