-- Removes everything that install.sql has created, with the triggers on your tables, and what was kept and not yet collected.
-- Run it as the role that ran install.sql. It waits for the transactions that use a watched table.
DROP SCHEMA IF EXISTS spanbridge CASCADE;
