//! The schema as migration steps: step `n` leads from version `n` to `n + 1`, and a released step never changes.
//!
//! DuckDB executes an update of an indexed column, or of a list, as a delete and an insert, which its foreign keys
//! reject for a row that is referred to. So keys never change, `templates` has no other index, and a template's
//! hardware types have a table of their own. The texts of one template are very similar: zstd makes them a tenth of the
//! size that DuckDB's default compression does, in half the time.

/// All steps.
pub(super) const STEPS: &[&str] = &[TEMPLATES_AND_PLANS, PLAN_SUPPORT, RESULTS_AND_ESTIMATES];

const RESULTS_AND_ESTIMATES: &str = "
-- Where the numbers of a planned test come from, and how long it is expected to take. Tests of earlier releases have none.
CREATE TABLE test_estimates (
    plan_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    memory_origin VARCHAR NOT NULL CHECK (memory_origin <> ''),
    expected_seconds DOUBLE CHECK (expected_seconds >= 0),
    duration_origin VARCHAR,
    FOREIGN KEY (plan_id, position) REFERENCES planned_tests (plan_id, position)
);

-- The tables of results had one line a test, and no place for attempts, devices and the environment.
CREATE TEMP TABLE earlier_runs AS SELECT runs.*, name AS plan FROM runs JOIN plans USING (plan_id);
CREATE TEMP TABLE earlier_results AS
    SELECT results.*, test_id, model_name, hardware_type, batch_size
    FROM results JOIN planned_tests USING (plan_id, position);
DROP TABLE results;
DROP TABLE runs;
DROP SEQUENCE run_ids;

-- The headers of results files: a row for each run, or for each shard of one.
CREATE TABLE runs (
    run VARCHAR NOT NULL CHECK (run <> ''),
    shard VARCHAR,
    started_at TIMESTAMP,
    rerun_of VARCHAR,
    machine VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    git_commit VARCHAR,
    python VARCHAR,
    torch VARCHAR,
    transformers VARCHAR,
    driver VARCHAR,
    planned_units UBIGINT NOT NULL
);

-- The attempts of tests. What identifies one is never there twice; an index over it would be larger than the table.
CREATE TABLE results (
    run VARCHAR NOT NULL,
    file VARCHAR NOT NULL,
    nodeid VARCHAR NOT NULL,
    hardware_type VARCHAR NOT NULL CHECK (hardware_type <> ''),
    attempt UINTEGER NOT NULL,
    unit VARCHAR NOT NULL,
    test_id VARCHAR,
    shard VARCHAR,
    device VARCHAR,
    device_name VARCHAR,
    model_name VARCHAR,
    test VARCHAR,
    task VARCHAR,
    batch_size UINTEGER,
    implementation VARCHAR,
    outcome VARCHAR NOT NULL CHECK (outcome <> ''),
    reason VARCHAR NOT NULL,
    phases VARCHAR NOT NULL,
    started_at TIMESTAMP,
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    memory_peak UBIGINT,
    device_memory_peak UBIGINT
);

-- The units that ended: a test file or a planned test on a hardware type.
CREATE TABLE unit_ends (
    run VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    hardware_type VARCHAR NOT NULL CHECK (hardware_type <> ''),
    attempt UINTEGER NOT NULL,
    shard VARCHAR,
    device VARCHAR,
    device_name VARCHAR,
    model_name VARCHAR,
    batch_size UINTEGER,
    implementation VARCHAR,
    outcome VARCHAR NOT NULL CHECK (outcome <> ''),
    is_partial BOOLEAN NOT NULL,
    started_at TIMESTAMP,
    seconds DOUBLE NOT NULL CHECK (seconds >= 0),
    memory_peak UBIGINT,
    device_memory_peak UBIGINT
);

INSERT INTO runs (run, started_at, machine, command, planned_units)
    SELECT 'run-' || run_id, started_at, machine, 'plan ' || plan, 0 FROM earlier_runs;
INSERT INTO results
    (run, file, nodeid, hardware_type, attempt, unit, test_id, model_name, batch_size, outcome, reason, phases, seconds)
    SELECT 'run-' || run_id, test_id, test_id, hardware_type, 1, test_id, test_id, model_name, batch_size, outcome,
           coalesce(message, ''), '{}', seconds
    FROM earlier_results;
DROP TABLE earlier_runs;
DROP TABLE earlier_results;
";

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
