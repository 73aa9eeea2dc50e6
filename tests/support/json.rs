//! JSON as it is written: numbers keep their spelling, members their order.
//!
//! `serde_json::Value` would make one number of `1`, `1.0` and `1e0`, or not, depending on the
//! features that another crate turned on.

use std::fmt::{self, Write as _};

#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub enum Json {
    Null,
    Bool(bool),
    /// The literal.
    Number(String),
    String(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Json {
        Json::String(text.into())
    }

    pub fn number(number: impl fmt::Display) -> Json {
        Json::Number(number.to_string())
    }

    pub fn map<K: Into<String>>(members: impl IntoIterator<Item = (K, Json)>) -> Json {
        Json::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    pub fn parse(text: &str) -> Result<Json, String> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value()?;
        parser.space();
        if parser.at == text.len() { Ok(value) } else { Err(parser.wrong("trailing data")) }
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        match self {
            Json::Map(members) => {
                members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Sets a member, in its old place if it is there.
    pub fn set(&mut self, key: &str, value: Json) {
        if let Some(slot) = self.get_mut(key) {
            *slot = value;
        } else if let Json::Map(members) = self {
            members.push((key.to_owned(), value));
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let Json::Map(members) = self else { return None };
        let at = members.iter().position(|(name, _)| name == key)?;
        Some(members.remove(at).1)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Json::Null
    }

    pub fn is_scalar(&self) -> bool {
        !matches!(self, Json::List(_) | Json::Map(_))
    }

    pub fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Map(members) => members,
            _ => &[],
        }
    }

    /// The text of a member, or nothing.
    pub fn str_of(&self, key: &str) -> &str {
        self.get(key).and_then(Json::as_str).unwrap_or_default()
    }

    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Json::as_bool).unwrap_or_default()
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::text(text)
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::String(text)
    }
}

impl From<bool> for Json {
    fn from(yes: bool) -> Json {
        Json::Bool(yes)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(yes) => write!(f, "{yes}"),
            Json::Number(literal) => f.write_str(literal),
            Json::String(text) => write_string(f, text),
            Json::List(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_char(',')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Json::Map(members) => {
                f.write_char('{')?;
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        f.write_char(',')?;
                    }
                    write_string(f, key)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            // The last two break lines in editors that show the vectors.
            c if c < ' ' || matches!(c, '\u{7f}' | '\u{2028}' | '\u{2029}') => {
                write!(f, "\\u{:04x}", c as u32)?;
            }
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, String> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.wrong("unknown word"))
        }
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.peek() {
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'"') => self.string().map(Json::String),
            Some(b'[') => {
                let mut items = Vec::new();
                self.sequence(b']', |parser| {
                    items.push(parser.value()?);
                    Ok(())
                })?;
                Ok(Json::List(items))
            }
            Some(b'{') => {
                let mut members = Vec::new();
                self.sequence(b'}', |parser| {
                    parser.space();
                    let key = parser.string()?;
                    parser.space();
                    if parser.peek() != Some(b':') {
                        return Err(parser.wrong("no colon"));
                    }
                    parser.at += 1;
                    members.push((key, parser.value()?));
                    Ok(())
                })?;
                Ok(Json::Map(members))
            }
            Some(b'-' | b'0'..=b'9') => {
                let from = self.at;
                while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    self.at += 1;
                }
                Ok(Json::Number(self.text[from..self.at].to_owned()))
            }
            _ => Err(self.wrong("no value")),
        }
    }

    fn sequence(
        &mut self,
        end: u8,
        mut one: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            one(self)?;
            self.space();
            let found = self.peek();
            self.at += 1;
            match found {
                Some(b',') => {}
                Some(found) if found == end => return Ok(()),
                _ => return Err(self.wrong("neither comma nor end")),
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("no string"));
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(stop) = rest.find(['"', '\\']) else { return Err(self.wrong("open string")) };
            out.push_str(&rest[..stop]);
            self.at += stop + 1;
            if rest.as_bytes()[stop] == b'"' {
                return Ok(out);
            }
            let escape = self.peek().ok_or_else(|| self.wrong("open escape"))?;
            self.at += 1;
            out.push(match escape {
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => self.unicode()?,
                other => other as char,
            });
        }
    }

    fn unicode(&mut self) -> Result<char, String> {
        let unit = self.hex()?;
        if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with("\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        Ok(char::from_u32(unit).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits =
            self.text.get(self.at..self.at + 4).ok_or_else(|| self.wrong("open escape"))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.wrong("not hexadecimal"))
    }
}

/// Numbers as Kubernetes has them: a literal that is a 64-bit integer is one, all others are floats.
/// Two literals are the same number if this gives the same.
#[derive(PartialEq, Eq)]
enum Number {
    Whole(i128),
    Float(u64),
    Other(String),
}

fn number(literal: &str) -> Number {
    if let Ok(whole) = literal.parse::<i64>() {
        return Number::Whole(whole.into());
    }
    match literal.parse::<f64>() {
        Ok(float) if float.fract() == 0.0 && float.abs() < 1e30 => Number::Whole(float as i128),
        Ok(float) => Number::Float(float.to_bits()),
        Err(_) => Number::Other(literal.to_owned()),
    }
}

/// Whether two documents hold the same data: numbers by value, members in any order.
pub fn same_data(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => a == b || number(a) == number(b),
        (Json::List(a), Json::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_data(a, b))
        }
        (Json::Map(a), Json::Map(b)) => {
            let sorted = |members: &[(String, Json)]| {
                let mut order: Vec<usize> = (0..members.len()).collect();
                order.sort_by(|x, y| members[*x].0.cmp(&members[*y].0));
                order
            };
            let (x, y) = (sorted(a), sorted(b));
            x.len() == y.len()
                && x.iter().zip(y).all(|(x, y)| a[*x].0 == b[y].0 && same_data(&a[*x].1, &b[y].1))
        }
        _ => left == right,
    }
}
