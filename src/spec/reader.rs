//! Walks the TOML document with places. Every getter records what is wrong and goes on, so that one run shows all problems.

use std::cell::RefCell;
use std::num::IntErrorKind;
use std::ops::RangeInclusive;

use serde_spanned::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{Code, Problem, Span};

/// A value and the place where the user wrote it; `span` is `None` for a default.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found<T> {
    pub value: T,
    pub span: Option<Span>,
}

/// What a getter found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry<T> {
    Absent,
    /// Present but wrong; the problem is recorded.
    Bad,
    Given(T, Span),
}

impl<T> Entry<T> {
    /// The value or, when absent, a default; `None` when wrong.
    pub fn or(self, default: T) -> Option<Found<T>> {
        match self {
            Entry::Absent => Some(Found { value: default, span: None }),
            Entry::Bad => None,
            Entry::Given(value, span) => Some(Found { value, span: Some(span) }),
        }
    }

    /// As [`Entry::or`], for keys that may stay absent.
    pub fn optional(self) -> Option<Found<Option<T>>> {
        self.map(Some).or(None)
    }

    /// Where the user wrote it.
    pub fn span(&self) -> Option<Span> {
        match self {
            Entry::Given(_, span) => Some(span.clone()),
            Entry::Absent | Entry::Bad => None,
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Entry<U> {
        match self {
            Entry::Absent => Entry::Absent,
            Entry::Bad => Entry::Bad,
            Entry::Given(value, span) => Entry::Given(f(value), span),
        }
    }
}

/// Limits of a real number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub low: f64,
    /// Whether `low` itself is allowed.
    pub low_included: bool,
    /// Always excluded; infinite for none.
    pub high: f64,
    /// Written after the limits, for example " ns".
    pub unit: &'static str,
}

impl Bounds {
    pub const fn above(low: f64, unit: &'static str) -> Self {
        Bounds { low, low_included: false, high: f64::INFINITY, unit }
    }

    pub const fn at_least(low: f64, unit: &'static str) -> Self {
        Bounds { low, low_included: true, high: f64::INFINITY, unit }
    }

    pub const fn below(self, high: f64) -> Self {
        Bounds { high, ..self }
    }

    fn contains(&self, v: f64) -> bool {
        let low = if self.low_included { v >= self.low } else { v > self.low };
        low && v < self.high
    }

    fn text(&self) -> String {
        let low = if self.low_included { "at least" } else { "above" };
        let mut text = format!("{low} {}{}", self.low, self.unit);
        if self.high.is_finite() {
            text.push_str(&format!(" and below {}{}", self.high, self.unit));
        }
        text
    }
}

/// The text and the problems found so far.
pub(crate) struct Reader<'t> {
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    /// Section names and their keys, to tell where a misplaced key belongs.
    schema: &'static [(&'static str, &'static [&'static str])],
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str, schema: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Reader { text, problems: RefCell::new(Vec::new()), schema }
    }

    pub fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// From the key to the end of its value, or the key alone where the value goes over several lines.
    fn short_span(&self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Span {
        let span = entry_span(key, value);
        if self.text.get(span.clone()).is_some_and(|text| text.contains('\n')) { key.span() } else { span }
    }

    /// The user's own words at a place, on one line and not too long.
    pub fn quote(&self, span: &Span) -> String {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let mut short: String = first.chars().take(60).collect();
        if short.len() < text.len() {
            short.push_str(" ...");
        }
        short
    }
}

/// One table of the document, or its absence.
pub(crate) struct Section<'r> {
    pub(super) reader: &'r Reader<'r>,
    /// As the user would write it: `[array]`, `layers[1]`; empty for the top level.
    title: String,
    table: Option<&'r DeTable<'r>>,
    pub span: Option<Span>,
    /// Something else stands in its place; that was reported, so its missing keys are not.
    misplaced: bool,
}

impl<'r> Section<'r> {
    /// Takes a table apart and reports keys that are not in `keys`.
    pub fn new(
        reader: &'r Reader<'r>,
        title: String,
        table: Option<&'r DeTable<'r>>,
        span: Option<Span>,
        keys: &[&str],
    ) -> Self {
        for (key, value) in table.into_iter().flatten() {
            if !keys.contains(&key.get_ref().as_ref()) {
                reader.report(unknown_key(reader, &title, key, value, keys));
            }
        }
        Section { reader, title, table, span, misplaced: false }
    }

    /// The section under `key`; an absent one answers `Absent` to everything, a value in its place is reported.
    pub fn section(&self, key: &str, keys: &[&str]) -> Section<'r> {
        let title = if self.title.is_empty() { format!("[{key}]") } else { key.to_owned() };
        let Some((key, value)) = self.get(key) else {
            return Section::new(self.reader, title, None, self.span.clone(), keys);
        };
        let span = self.reader.short_span(key, value);
        match value.get_ref() {
            DeValue::Table(table) => Section::new(self.reader, title, Some(table), Some(span), keys),
            _ => {
                self.wrong_type(key, value, "a table", Some(format!("its keys: {}", list(keys, '`'))));
                Section { misplaced: true, ..Section::new(self.reader, title, None, Some(span), keys) }
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<(&'r Spanned<DeString<'r>>, &'r Spanned<DeValue<'r>>)> {
        self.table?.get_key_value(key)
    }

    /// Where a key and its value stand; `None` where it is absent.
    pub fn place(&self, key: &str) -> Option<Span> {
        self.get(key).map(|(k, v)| entry_span(k, v))
    }

    /// Reports that a key which has no default is absent.
    pub fn missing(&self, key: &str, help: &str) {
        if self.misplaced {
            return;
        }
        let place = if self.title.is_empty() { "the spec".to_owned() } else { format!("`{}`", self.title) };
        self.reader.report(
            Problem::new(Code::MissingKey, format!("{place} has no `{key}`")).at(self.span.clone(), "").help(help),
        );
    }

    pub(super) fn wrong_type(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
        help: Option<String>,
    ) {
        let span = entry_span(key, value);
        let mut problem = Problem::new(Code::WrongType, format!("`{}` has the wrong type", self.reader.quote(&span)))
            .at(
                Some(self.reader.short_span(key, value)),
                format!("expected {wanted}, found {}", kind(value.get_ref())),
            );
        if let Some(help) = help {
            problem = problem.help(help);
        }
        self.reader.report(problem);
    }

    pub(super) fn out_of_range(&self, span: &Span, allowed: &str, help: Option<String>) {
        let mut problem = Problem::new(Code::OutOfRange, format!("`{}` is out of range", self.reader.quote(span)))
            .at(Some(span.clone()), format!("allowed: {allowed}"));
        if let Some(help) = help {
            problem = problem.help(help);
        }
        self.reader.report(problem);
    }

    /// An integer within `range`.
    pub fn int(&self, key: &str, range: RangeInclusive<i64>) -> Entry<i64> {
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        let span = entry_span(k, v);
        let DeValue::Integer(number) = v.get_ref() else {
            let help = unquoted(v).or_else(|| whole(v)).map(|n| format!("write `{key} = {n}`"));
            self.wrong_type(k, v, "an integer", help);
            return Entry::Bad;
        };
        let parsed = match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) => n,
            // Its sign is all that the nearest value needs.
            Err(e) if *e.kind() == IntErrorKind::PosOverflow => i128::MAX,
            Err(e) if *e.kind() == IntErrorKind::NegOverflow => i128::MIN,
            Err(_) => {
                self.wrong_type(k, v, "an integer", None);
                return Entry::Bad;
            }
        };
        let (low, high) = (i128::from(*range.start()), i128::from(*range.end()));
        match i64::try_from(parsed) {
            Ok(n) if range.contains(&n) => Entry::Given(n, span),
            _ => {
                let near = parsed.clamp(low, high);
                self.out_of_range(&span, &format!("{low} to {high}"), Some(format!("nearest: `{key} = {near}`")));
                Entry::Bad
            }
        }
    }

    /// A number of bits.
    pub fn width(&self, key: &str, range: RangeInclusive<i64>) -> Entry<u32> {
        self.int(key, range).map(|bits| bits as u32)
    }

    /// A power of two from 1 to `high`.
    pub fn power_of_two(&self, key: &str, high: i64) -> Entry<i64> {
        let entry = self.int(key, 1..=high);
        let Entry::Given(n, span) = &entry else { return entry };
        if n.count_ones() == 1 {
            return entry;
        }
        let above = n.unsigned_abs().next_power_of_two();
        self.not_a_power(span, &format!("powers of two from 1 to {high}"), key, above as f64);
        Entry::Bad
    }

    fn not_a_power(&self, span: &Span, allowed: &str, key: &str, above: f64) {
        let message = format!("`{}` is no power of two", self.reader.quote(span));
        self.reader.report(
            Problem::new(Code::NotPowerOfTwo, message)
                .at(Some(span.clone()), format!("allowed: {allowed}"))
                .help(format!("nearest: `{key} = {}` or `{key} = {above}`", above / 2.0)),
        );
    }

    /// A real number; integers are taken as reals.
    pub fn real(&self, key: &str, bounds: Bounds) -> Entry<f64> {
        self.number(key, |n| bounds.contains(n), || bounds.text())
    }

    /// A real number in a range whose ends belong to it; `unit` stands behind the limits, for example " ns".
    pub fn real_within(&self, key: &str, range: RangeInclusive<f64>, unit: &str) -> Entry<f64> {
        self.number(key, |n| range.contains(&n), || format!("{} to {}{unit}", range.start(), range.end()))
    }

    pub(super) fn number(&self, key: &str, fits: impl Fn(f64) -> bool, allowed: impl Fn() -> String) -> Entry<f64> {
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        let span = entry_span(k, v);
        let parsed = match v.get_ref() {
            DeValue::Float(f) => f.as_str().parse::<f64>().ok(),
            DeValue::Integer(i) => i128::from_str_radix(i.as_str(), i.radix()).ok().map(|n| n as f64),
            _ => {
                let help = unquoted(v).map(|n| format!("write `{key} = {n}`"));
                self.wrong_type(k, v, "a number", help);
                return Entry::Bad;
            }
        };
        match parsed.filter(|n| n.is_finite() && fits(*n)) {
            Some(n) => Entry::Given(n, span),
            None => {
                self.out_of_range(&span, &allowed(), None);
                Entry::Bad
            }
        }
    }

    /// A full scale: a power of two, returned as its exponent in `-limit ..= limit`.
    pub fn full_scale(&self, key: &str, limit: i32) -> Entry<i32> {
        let (v, span) = match self.real(key, Bounds::above(0.0, "")) {
            Entry::Given(v, span) => (v, span),
            Entry::Absent => return Entry::Absent,
            Entry::Bad => return Entry::Bad,
        };
        let exponent = ceil_log2(v);
        let allowed = format!("powers of two from 2^-{limit} to 2^{limit}");
        if !(-limit..=limit).contains(&exponent) {
            let near = 2f64.powi(exponent.clamp(-limit, limit));
            self.out_of_range(&span, &allowed, Some(format!("nearest: `{key} = {near:?}`")));
            return Entry::Bad;
        }
        if v != 2f64.powi(exponent) {
            self.not_a_power(&span, &allowed, key, 2f64.powi(exponent));
            return Entry::Bad;
        }
        Entry::Given(exponent, span)
    }

    pub fn text(&self, key: &str) -> Entry<String> {
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        match v.get_ref() {
            DeValue::String(s) => Entry::Given(s.clone().into_owned(), entry_span(k, v)),
            _ => {
                self.wrong_type(k, v, "a string", None);
                Entry::Bad
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> Entry<bool> {
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        match v.get_ref() {
            DeValue::Boolean(flag) => Entry::Given(*flag, entry_span(k, v)),
            _ => {
                self.wrong_type(k, v, "true or false", None);
                Entry::Bad
            }
        }
    }

    /// One of the given words.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Entry<T> {
        let (word, span) = match self.text(key) {
            Entry::Given(word, span) => (word, span),
            Entry::Absent => return Entry::Absent,
            Entry::Bad => return Entry::Bad,
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Entry::Given(*value, span);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let mut problem = Problem::new(Code::UnknownValue, format!("`{}` is unknown", self.reader.quote(&span)))
            .at(Some(span), format!("allowed: {}", list(&names, '"')));
        if let Some(near) = nearest(&word, &names) {
            problem = problem.help(format!("did you mean `{key} = \"{near}\"`?"));
        }
        self.reader.report(problem);
        Entry::Bad
    }

    /// A list of tables, each with its place; `help` shows how to write one.
    pub fn tables(&self, key: &str, keys: &[&str], help: &str) -> Entry<Vec<Option<Section<'r>>>> {
        let Some((k, v)) = self.get(key) else { return Entry::Absent };
        let DeValue::Array(items) = v.get_ref() else {
            self.wrong_type(k, v, "an array of tables", Some(help.to_owned()));
            return Entry::Bad;
        };
        let section = |(i, item): (usize, &'r Spanned<DeValue<'r>>)| match item.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.reader, format!("{key}[{i}]"), Some(table), Some(item.span()), keys))
            }
            other => {
                let quote = self.reader.quote(&item.span());
                self.reader.report(
                    Problem::new(Code::WrongType, format!("`{quote}` in `{key}` has the wrong type"))
                        .at(Some(item.span()), format!("expected a table, found {}", kind(other)))
                        .help(help),
                );
                None
            }
        };
        Entry::Given(items.iter().enumerate().map(section).collect(), self.reader.short_span(k, v))
    }
}

/// Exponent of the smallest power of two that is at least `v`; exact, unlike a rounded logarithm. `v` positive and finite.
pub(super) fn ceil_log2(v: f64) -> i32 {
    let bits = v.to_bits();
    let (exponent, mantissa) = ((bits >> 52) as i32 - 1023, bits & ((1 << 52) - 1));
    if mantissa == 0 { exponent } else { exponent + 1 }
}

/// `a`, `b`, `c` with the given quotes.
pub(crate) fn list(words: &[&str], quote: char) -> String {
    words.iter().map(|w| format!("{quote}{w}{quote}")).collect::<Vec<_>>().join(", ")
}

/// The known word that the user most likely meant, if one is near.
pub(super) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let word = word.to_lowercase();
    let (distance, best) = known.iter().map(|k| (strsim::damerau_levenshtein(&word, &k.to_lowercase()), *k)).min()?;
    // A third of the letters may differ; more than that is a guess.
    (distance <= (word.chars().count().max(best.len()) / 3).max(1)).then_some(best)
}

fn unknown_key(
    reader: &Reader<'_>,
    title: &str,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    keys: &[&str],
) -> Problem {
    let word = key.get_ref().as_ref();
    let place = if title.is_empty() { "at the top level".to_owned() } else { format!("in `{title}`") };
    let help = if let Some(near) = nearest(word, keys) {
        format!("did you mean `{near}`?")
    } else if let Some((home, _)) = reader.schema.iter().find(|(_, keys)| keys.contains(&word)) {
        format!("`{word}` belongs in `{home}`")
    } else {
        format!("known here: {}", list(keys, '`'))
    };
    Problem::new(Code::UnknownKey, format!("unknown key `{word}` {place}"))
        .at(Some(reader.short_span(key, value)), "")
        .help(help)
}

/// From the key to the end of its value; a header stands for its section.
fn entry_span(key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Span {
    let (key, value) = (key.span(), value.span());
    if value.start <= key.start { value } else { key.start..value.end }
}

/// A value's type with its article.
fn kind(value: &DeValue<'_>) -> String {
    let article = if matches!(value, DeValue::Integer(_) | DeValue::Array(_)) { "an" } else { "a" };
    format!("{article} {}", value.type_str())
}

/// The number inside a quoted number.
fn unquoted(value: &Spanned<DeValue<'_>>) -> Option<String> {
    let text = value.get_ref().as_str()?.trim();
    text.parse::<f64>().ok().filter(|n| n.is_finite())?;
    Some(text.to_owned())
}

/// The integer meant by a float without fraction.
fn whole(value: &Spanned<DeValue<'_>>) -> Option<String> {
    let n: f64 = value.get_ref().as_float()?.as_str().parse().ok()?;
    (n.fract() == 0.0 && n.abs() < 1e15).then(|| format!("{n:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceil_log2_is_exact() {
        for e in -30..=30 {
            let p = 2f64.powi(e);
            assert_eq!(ceil_log2(p), e);
            assert_eq!(ceil_log2(p * 1.000_000_1), e + 1);
            assert_eq!(ceil_log2(p * 0.999_999_9), e);
        }
    }

    #[test]
    fn nearest_word_must_be_near() {
        let known = ["sigmoid", "tanh", "relu", "linear"];
        assert_eq!(nearest("sigmod", &known), Some("sigmoid"));
        assert_eq!(nearest("Tanh", &known), Some("tanh"));
        assert_eq!(nearest("reul", &known), Some("relu"));
        assert_eq!(nearest("softmax", &known), None);
    }
}
