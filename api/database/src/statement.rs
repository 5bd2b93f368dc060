use sqlx::{Arguments, Encode, FromRow, Type, postgres::PgRow, sqlite::SqliteRow};

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) args: Vec<Arg>,
    pub(crate) must: bool,
}

impl Statement {
    pub fn new(sql: &'static str, args: Vec<Arg>) -> Self {
        Self { sql, args, must: false }
    }

    /// Unless it changes a row, its transaction is not done at all.
    #[must_use]
    pub fn must(self) -> Self {
        Self { must: true, ..self }
    }
}

/// `sql!("… $1 … $2", first, second)`.
#[macro_export]
macro_rules! sql {
    ($text:expr $(, $arg:expr)* $(,)?) => { $crate::Statement::new($text, vec![$($crate::Arg::from($arg)),*]) };
}

/// A statement's value.
#[derive(Clone, Debug)]
pub enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Arg {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

/// PostgreSQL knows no NUL in texts: whoever asks for one with it finds nothing, in either database.
fn kept(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(kept(text)))
    }
}

impl From<Option<&str>> for Arg {
    fn from(text: Option<&str>) -> Self {
        Self::from(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(kept))
    }
}

/// Can be read from either database: tuples of what columns hold.
pub trait Readable: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Readable for T {}

pub(crate) fn arguments<A: Arguments + Default>(args: Vec<Arg>) -> Result<A, sqlx::Error>
where
    for<'q> Option<i64>: Encode<'q, A::Database> + Type<A::Database>,
    for<'q> Option<String>: Encode<'q, A::Database> + Type<A::Database>,
{
    let mut all = A::default();
    for arg in args {
        let added = match arg {
            Arg::Int(number) => all.add(number),
            Arg::Text(text) => all.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(all)
}
