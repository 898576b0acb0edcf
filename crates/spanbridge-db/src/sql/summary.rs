//! The summary of a statement by
//! [OpenTelemetry's rules](https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query):
//! its operations and what each is done to, in the order in which they stand: `INSERT orders SELECT carts`.

use super::token::{Dialect, Kind, Token, tokens};

/// The longest summary, in characters.
pub(super) const MAX_SUMMARY: usize = 255;

/// Operations that stand inside of statements. Every other one is the first word of its statement.
const INNER: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"];
/// Before these words, `UPDATE` or `DELETE` are parts of a clause: `FOR UPDATE`, `DO UPDATE`, `ON DELETE`, `WHEN … THEN UPDATE`.
const CLAUSES: [&str; 5] = ["FOR", "KEY", "DO", "ON", "THEN"];
/// Statements whose names stand behind the kind of what they are done to; nothing behind that matters.
const DEFINITIONS: [&str; 3] = ["CREATE", "ALTER", "DROP"];
const DEFINED: [&str; 9] = ["TABLE", "INDEX", "VIEW", "TRIGGER", "SCHEMA", "SEQUENCE", "FUNCTION", "TYPE", "EXTENSION"];
/// Operations whose name follows at once.
const NAMED: [&str; 9] = ["UPDATE", "TRUNCATE", "COPY", "CALL", "PRAGMA", "LOCK", "SAVEPOINT", "RELEASE", "REINDEX"];
/// Words between an operation and the name.
const FILLERS: [&str; 15] = [
    "INTO",
    "FROM",
    "ONLY",
    "TABLE",
    "IF",
    "NOT",
    "EXISTS",
    "OR",
    "REPLACE",
    "IGNORE",
    "ABORT",
    "FAIL",
    "ROLLBACK",
    "CONCURRENTLY",
    "LATERAL",
];
/// Here a list of tables ends.
const FROM_ENDS: [&str; 14] = [
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "RETURNING",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "WINDOW",
    "SET",
    "VALUES",
];

/// What a statement does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// At most 255 characters. Empty if the statement is.
    pub(crate) text: String,
    /// The operation, if there is exactly one.
    pub(crate) operation: Option<String>,
    /// What it is done to, if that is exactly one.
    pub(crate) collection: Option<String>,
}

/// What is known inside of a pair of parentheses.
#[derive(Clone, Copy, Default)]
struct Level {
    /// A query can stand here: names behind `FROM` are tables.
    is_query: bool,
    has_operation: bool,
    in_from: bool,
    /// Common table expressions are named here.
    names_ctes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// The name of a table. `FROM` may be followed by a function, whose name is none.
    Table {
        may_be_function: bool,
    },
    /// The kind of what is defined.
    Definition,
    CteName,
}

/// The summary of one statement, or of several.
pub(crate) fn summary(sql: &str, dialect: Dialect) -> Summary {
    let mut scan = Scan::default();
    let mut tokens = tokens(sql, dialect).filter(|t| !matches!(t.kind, Kind::Space | Kind::Comment)).peekable();
    let mut before = Token { kind: Kind::Other, text: ";" };
    while let Some(token) = tokens.next() {
        let mut name = token.name().map(str::to_owned);
        // A name with its schema.
        while let Some(text) = name.as_mut().filter(|_| tokens.peek().is_some_and(|next| next.text == ".")) {
            tokens.next();
            if let Some(part) = tokens.next_if(|next| next.name().is_some()).and_then(|next| next.name()) {
                text.push('.');
                text.push_str(part)
            }
        }
        let next_opens = tokens.peek().is_some_and(|next| next.text == "(");
        let next_is_into = tokens.peek().is_some_and(|next| next.is("INTO"));
        match name {
            // With a schema, it is no keyword.
            Some(name) if name.len() == token.text.len() && token.kind == Kind::Word => {
                scan.word(&token, &before, next_opens, next_is_into)
            }
            Some(name) => scan.name(&name, next_opens),
            None => scan.sign(token.text),
        }
        before = token;
        if scan.is_full {
            break;
        }
    }
    scan.finish()
}

struct Scan {
    parts: Vec<String>,
    operations: Vec<String>,
    tables: Vec<String>,
    ctes: Vec<String>,
    level: Level,
    above: Vec<Level>,
    expected: Expected,
    /// The rest of the statement says nothing.
    is_done: bool,
    is_full: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Scan {
            parts: vec![],
            operations: vec![],
            tables: vec![],
            ctes: vec![],
            level: Level { is_query: true, ..Level::default() },
            above: vec![],
            expected: Expected::Nothing,
            is_done: false,
            is_full: false,
        }
    }
}

impl Scan {
    fn word(&mut self, token: &Token<'_>, before: &Token<'_>, next_opens: bool, next_is_into: bool) {
        let begins = !self.level.has_operation && self.above.is_empty() && !self.level.names_ctes;
        let opens = before.text == "(";
        if self.is_done {
            return;
        }
        match self.expected {
            Expected::CteName if token.is("RECURSIVE") => return,
            Expected::CteName => {
                self.ctes.push(token.text.to_owned());
                self.expected = Expected::Nothing;
                return;
            }
            Expected::Definition if token.is_any(&DEFINED) => {
                self.parts.push(token.text.to_ascii_uppercase());
                self.expected = Expected::Table { may_be_function: false };
                return;
            }
            Expected::Definition => return,
            Expected::Table { .. } if token.is_any(&FILLERS) => return,
            Expected::Table { .. } if !token.is("SELECT") && !token.is("VALUES") => {
                return self.name(token.text, next_opens);
            }
            _ => {}
        }
        // `UPDATE(…` would be a function.
        let is_inner = token.is_any(&INNER) && !before.is_any(&CLAUSES) && (!next_opens || token.is("SELECT"));
        let is_first = (begins || before.is("EXPLAIN")) && (!token.is("REPLACE") || next_is_into);
        if token.is("WITH") && (opens || !self.level.has_operation) {
            self.level.is_query = true;
            self.level.names_ctes = true;
            self.expected = Expected::CteName
        } else if is_inner || is_first {
            self.operation(token)
        } else if token.is("FROM") && self.level.is_query && !before.is("DISTINCT") {
            self.level.in_from = true;
            self.expected = Expected::Table { may_be_function: true }
        } else if token.is("JOIN") && self.level.in_from {
            self.expected = Expected::Table { may_be_function: true }
        } else if token.is_any(&FROM_ENDS) {
            self.level.in_from = false
        }
    }

    fn operation(&mut self, token: &Token<'_>) {
        self.level = Level { is_query: true, has_operation: true, in_from: false, names_ctes: false };
        self.expected = if token.is_any(&DEFINITIONS) {
            Expected::Definition
        } else if token.is_any(&["INSERT", "REPLACE", "DELETE", "MERGE"]) || token.is_any(&NAMED) {
            Expected::Table { may_be_function: false }
        } else {
            Expected::Nothing
        };
        // What follows `BEGIN`, `SET` or `VACUUM` is neither an operation nor a table.
        self.is_done = self.expected == Expected::Nothing && !token.is_any(&["SELECT", "EXPLAIN", "VALUES", "TABLE"]);
        let operation = printable(token.text).to_ascii_uppercase();
        self.parts.push(operation.clone());
        self.operations.push(operation);
        self.measure()
    }

    /// A name that is no keyword.
    fn name(&mut self, name: &str, next_opens: bool) {
        match self.expected {
            _ if self.is_done => return,
            Expected::CteName => self.ctes.push(name.to_owned()),
            Expected::Table { may_be_function } => {
                let is_cte = self.ctes.iter().any(|cte| cte.eq_ignore_ascii_case(name));
                let is_function = may_be_function && next_opens;
                if !is_cte && !is_function {
                    let name = printable(name);
                    self.parts.push(name.clone());
                    self.tables.push(name);
                    self.measure()
                }
                let last = self.operations.last().map(String::as_str);
                self.is_done = last.is_some_and(|last| {
                    DEFINITIONS.contains(&last) || (NAMED.contains(&last) && last != "UPDATE" && last != "COPY")
                });
            }
            Expected::Nothing | Expected::Definition => return,
        }
        self.expected = Expected::Nothing
    }

    fn sign(&mut self, sign: &str) {
        match sign {
            ";" => {
                let Scan { parts, operations, tables, is_full, .. } = std::mem::take(self);
                *self = Scan { parts, operations, tables, is_full, ..Scan::default() }
            }
            _ if self.is_done => {}
            "(" => {
                let is_from = matches!(self.expected, Expected::Table { may_be_function: true });
                self.above.push(self.level);
                self.level = Level { is_query: is_from, in_from: is_from, ..Level::default() };
                if !is_from {
                    self.expected = Expected::Nothing
                }
            }
            ")" => {
                self.level = self.above.pop().unwrap_or(self.level);
                self.expected = Expected::Nothing
            }
            "," if self.level.names_ctes => self.expected = Expected::CteName,
            "," if self.level.in_from => self.expected = Expected::Table { may_be_function: true },
            _ => {}
        }
    }

    fn measure(&mut self) {
        self.is_full = self.parts.iter().map(|part| part.chars().count() + 1).sum::<usize>() > MAX_SUMMARY
    }

    fn finish(self) -> Summary {
        let mut text = String::new();
        let mut room = MAX_SUMMARY;
        for (index, part) in self.parts.iter().enumerate() {
            let length = part.chars().count() + usize::from(index > 0);
            // The first is cut, of the others none.
            if length > room && index > 0 {
                break;
            }
            if index > 0 {
                text.push(' ')
            }
            text.extend(part.chars().take(room));
            room = room.saturating_sub(length)
        }
        let one = |mut of: Vec<String>| (of.len() == 1 && !self.is_full).then(|| of.remove(0));
        Summary { text, operation: one(self.operations), collection: one(self.tables) }
    }
}

fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
