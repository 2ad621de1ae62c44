-- This file's own name.
SELECT dlq_id FROM identity;
