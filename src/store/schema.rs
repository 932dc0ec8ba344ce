//! The tables, as steps: step `n` leads from schema version `n` to `n + 1`, and a released step never changes.
//!
//! DuckDB turns an update of an indexed column, or of a list, into a delete and an insert, and its foreign keys refuse
//! that for a row that is referred to. So keys never change, nothing else of `templates` is indexed, and a template's
//! hardware types have a table of their own. Texts of one template are much alike: zstd makes them a tenth of what
//! DuckDB's own choice does, in half the time.

/// The steps so far.
pub(super) const STEPS: &[&str] = &[TEMPLATES_AND_PLANS, PLAN_SUPPORT];

const PLAN_SUPPORT: &str = "
-- The files that the tests of a plan import, by their path beside the test.
CREATE TABLE plan_support (
    plan_id BIGINT NOT NULL REFERENCES plans (plan_id),
    path VARCHAR NOT NULL CHECK (path <> ''),
    content VARCHAR USING COMPRESSION zstd NOT NULL,
    PRIMARY KEY (plan_id, path)
);
";

const TEMPLATES_AND_PLANS: &str = "
CREATE SEQUENCE template_ids;
CREATE SEQUENCE plan_ids;
CREATE SEQUENCE run_ids;

-- All times are in UTC.
CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    reached_at TIMESTAMP NOT NULL,
    reached_by VARCHAR NOT NULL
);

-- A template without a current version is one whose removal was cut short; it counts as removed.
CREATE TABLE templates (
    template_id BIGINT PRIMARY KEY DEFAULT nextval('template_ids'),
    name VARCHAR NOT NULL UNIQUE CHECK (name <> ''),
    family VARCHAR NOT NULL CHECK (family <> ''),
    description VARCHAR,
    current_version INTEGER CHECK (current_version >= 1)
);

-- The hardware types that a template is for; a template without any is for all.
CREATE TABLE template_hardware (
    template_id BIGINT NOT NULL REFERENCES templates (template_id),
    hardware_type VARCHAR NOT NULL CHECK (hardware_type <> ''),
    PRIMARY KEY (template_id, hardware_type)
);

CREATE TABLE template_versions (
    template_id BIGINT NOT NULL REFERENCES templates (template_id),
    version INTEGER NOT NULL CHECK (version >= 1),
    dialect VARCHAR NOT NULL CHECK (dialect IN ('dollar', 'tera')),
    content VARCHAR USING COMPRESSION zstd NOT NULL,
    content_hash VARCHAR NOT NULL CHECK (length(content_hash) = 64),
    added_at TIMESTAMP NOT NULL,
    PRIMARY KEY (template_id, version)
);

CREATE TABLE model_mappings (
    model VARCHAR PRIMARY KEY CHECK (model <> ''),
    family VARCHAR NOT NULL CHECK (family <> ''),
    template_id BIGINT REFERENCES templates (template_id),
    description VARCHAR
);

-- A plan that is not complete is one whose writing was cut short; it counts as not there.
CREATE TABLE plans (
    plan_id BIGINT PRIMARY KEY DEFAULT nextval('plan_ids'),
    name VARCHAR NOT NULL UNIQUE CHECK (name <> ''),
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    is_complete BOOLEAN NOT NULL
);

-- A plan stands by itself: it holds the rendered tests, whatever becomes of the templates.
CREATE TABLE planned_tests (
    plan_id BIGINT NOT NULL REFERENCES plans (plan_id),
    position INTEGER NOT NULL CHECK (position >= 0),
    test_id UUID NOT NULL,
    model_name VARCHAR NOT NULL,
    model_family VARCHAR NOT NULL,
    hardware_type VARCHAR NOT NULL,
    batch_size INTEGER NOT NULL CHECK (batch_size >= 1),
    test_content VARCHAR USING COMPRESSION zstd NOT NULL,
    test_type VARCHAR NOT NULL,
    priority TINYINT NOT NULL CHECK (priority BETWEEN 1 AND 10),
    min_memory_gb DOUBLE NOT NULL CHECK (min_memory_gb > 0),
    test_timeout_seconds INTEGER NOT NULL CHECK (test_timeout_seconds > 0),
    template_name VARCHAR NOT NULL,
    template_version INTEGER CHECK (template_version >= 1),
    PRIMARY KEY (plan_id, position)
);

CREATE TABLE dependencies (
    plan_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    depends_on INTEGER NOT NULL CHECK (depends_on <> position),
    FOREIGN KEY (plan_id, position) REFERENCES planned_tests (plan_id, position),
    FOREIGN KEY (plan_id, depends_on) REFERENCES planned_tests (plan_id, position)
);

CREATE TABLE runs (
    run_id BIGINT PRIMARY KEY DEFAULT nextval('run_ids'),
    plan_id BIGINT NOT NULL REFERENCES plans (plan_id),
    machine VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    CHECK (finished_at >= started_at)
);

CREATE TABLE results (
    run_id BIGINT NOT NULL REFERENCES runs (run_id),
    plan_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('passed', 'failed', 'skipped', 'error')),
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    message VARCHAR,
    finished_at TIMESTAMP NOT NULL,
    PRIMARY KEY (run_id, position),
    FOREIGN KEY (plan_id, position) REFERENCES planned_tests (plan_id, position)
);

-- For people who ask with SQL.
CREATE VIEW current_templates AS
    SELECT name, family, hardware_types, description, dialect, version, content, added_at
    FROM templates
    JOIN template_versions AS v ON v.template_id = templates.template_id AND v.version = templates.current_version
    LEFT JOIN (
        SELECT template_id, list(hardware_type ORDER BY hardware_type) AS hardware_types
        FROM template_hardware GROUP BY template_id
    ) AS hardware ON hardware.template_id = templates.template_id;

CREATE VIEW test_dependencies AS
    SELECT plans.name AS plan, later.test_id, earlier.test_id AS depends_on
    FROM dependencies
    JOIN plans ON plans.plan_id = dependencies.plan_id
    JOIN planned_tests AS later
        ON later.plan_id = dependencies.plan_id AND later.position = dependencies.position
    JOIN planned_tests AS earlier
        ON earlier.plan_id = dependencies.plan_id AND earlier.position = dependencies.depends_on;
";
