-- Two ordinary roles, and a database that one of them owns.

-- as superuser in postgres
CREATE ROLE mallory LOGIN;
CREATE ROLE eve LOGIN;
CREATE DATABASE planted OWNER mallory;

-- as superuser
CREATE SCHEMA evil AUTHORIZATION mallory;

-- as superuser in template1
CREATE SCHEMA evil AUTHORIZATION mallory;
