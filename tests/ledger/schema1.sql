PRAGMA application_id = 1381318995;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE contact (
    row      INTEGER PRIMARY KEY,
    phone    TEXT NOT NULL,
    text     TEXT,
    name     TEXT,
    segments INTEGER NOT NULL DEFAULT 0,
    screened INTEGER,
    state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    attempts INTEGER NOT NULL DEFAULT 0,
    logid    TEXT,
    reason   TEXT,
    time     INTEGER
);
INSERT INTO "contact" VALUES(1,'2025550101','Hi Ada 1. STOP','Ada 1',1,NULL,2,1,'rl_1',NULL,1700000000001);
INSERT INTO "contact" VALUES(2,'2025550102','Hi Ada 2. STOP','Ada 2',1,NULL,3,1,NULL,'400 no',1700000000002);
INSERT INTO "contact" VALUES(3,'2025550103','Hi Ada 3. STOP','Ada 3',1,NULL,6,1,NULL,'timed out',1700000000003);
INSERT INTO "contact" VALUES(4,'2025550104','Hi Ada 4. STOP','Ada 4',1,NULL,5,1,NULL,'absent from the log',1700000000004);
INSERT INTO "contact" VALUES(5,'2025550105','Hi Ada 5. STOP','Ada 5',1,NULL,5,0,NULL,'suppressed',NULL);
INSERT INTO "contact" VALUES(6,'2025550106','Hi Ada 6. STOP','Ada 6',1,NULL,0,1,NULL,'429 later',NULL);
INSERT INTO "contact" VALUES(7,'2025550107','Hi Ada 7. STOP','Ada 7',1,NULL,1,0,NULL,NULL,1796068063075);
INSERT INTO "contact" VALUES(8,'2025550108','Hi Ada 8. STOP','Ada 8',1,NULL,1,0,NULL,NULL,1796068063075);
INSERT INTO "contact" VALUES(9,'2025550109','Hi Ada 9. STOP','Ada 9',1,NULL,0,0,NULL,NULL,NULL);
INSERT INTO "contact" VALUES(10,'2025550110','Hi Ada 10. STOP','Ada 10',1,NULL,0,0,NULL,NULL,NULL);
INSERT INTO "contact" VALUES(11,'bad',NULL,NULL,0,1,4,0,NULL,'invalid phone: empty',NULL);
INSERT INTO "contact" VALUES(12,'2025550101','Hi again. STOP',NULL,1,1,4,0,NULL,'duplicate of row 1',NULL);
CREATE TABLE kept (row INTEGER PRIMARY KEY, cells TEXT NOT NULL);
INSERT INTO "kept" VALUES(1,'{"id":"1"}');
INSERT INTO "kept" VALUES(2,'{"id":"2"}');
INSERT INTO "kept" VALUES(3,'{"id":"3"}');
INSERT INTO "kept" VALUES(4,'{"id":"4"}');
INSERT INTO "kept" VALUES(5,'{"id":"5"}');
INSERT INTO "kept" VALUES(6,'{"id":"6"}');
INSERT INTO "kept" VALUES(7,'{"id":"7"}');
INSERT INTO "kept" VALUES(8,'{"id":"8"}');
INSERT INTO "kept" VALUES(9,'{"id":"9"}');
INSERT INTO "kept" VALUES(10,'{"id":"10"}');
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "run" VALUES('began','1796068063064');
INSERT INTO "run" VALUES('list','abc');
INSERT INTO "run" VALUES('log','1:log');
INSERT INTO "run" VALUES('opened','1');
INSERT INTO "run" VALUES('options','{"rate":20}');
INSERT INTO "run" VALUES('place','{"path":"/runs/spring.ledger","device":65024,"inode":2146665,"host":"desk"}');
INSERT INTO "run" VALUES('plan','{"run":"bcdfghjkmn","provider":"rumbleup","action":"125","text":"Hi {name}. STOP","same_text":null,"details":{}}');
CREATE TABLE suppressed (phone TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO "suppressed" VALUES('2025550199');
CREATE UNIQUE INDEX one_text_a_phone ON contact (phone) WHERE screened IS NULL;
COMMIT;
