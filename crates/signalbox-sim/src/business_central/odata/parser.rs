//! Reads the text of a `$filter`.

use super::super::tables::Table;
use super::{Filter, Function, Operator, QueryError, literal};

/// Reads a whole filter.
pub(super) fn parse(text: &str, table: &Table) -> Result<Filter, QueryError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        table,
    };
    let filter = parser.any()?;
    match parser.tokens.first() {
        None => Ok(filter),
        Some(rest) => Err(QueryError::Syntax(rest.clone())),
    }
}

struct Parser<'a> {
    tokens: &'a [String],
    table: &'a Table,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<String, QueryError> {
        let (first, rest) = self
            .tokens
            .split_first()
            .ok_or_else(|| QueryError::Syntax("end of filter".into()))?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| token == word);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn must(&mut self, word: &str) -> Result<(), QueryError> {
        if self.eat(word) {
            Ok(())
        } else {
            Err(QueryError::Syntax(word.to_owned()))
        }
    }

    fn any(&mut self) -> Result<Filter, QueryError> {
        let mut parts = vec![self.all()?];
        while self.eat("or") {
            parts.push(self.all()?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let filter = Filter::Any(parts);
        let mut places = Vec::new();
        filter.fields(&mut places);
        places.dedup();
        if places.len() == 1 {
            Ok(filter)
        } else {
            Err(QueryError::DistinctOr)
        }
    }

    fn all(&mut self) -> Result<Filter, QueryError> {
        let mut parts = vec![self.term()?];
        while self.eat("and") {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Filter::All(parts)
        })
    }

    fn place(&self, name: &str) -> Result<usize, QueryError> {
        let fields = &self.table.fields;
        let place = fields.iter().position(|field| field.name == name);
        place.ok_or_else(|| QueryError::UnknownField(name.to_owned(), self.table.type_name.clone()))
    }

    fn term(&mut self) -> Result<Filter, QueryError> {
        if self.eat("(") {
            let inner = self.any()?;
            self.must(")")?;
            return Ok(inner);
        }
        let name = self.next()?;
        if let Some(function) = Function::parse(&name).filter(|_| self.eat("(")) {
            return self.function(function);
        }
        let place = self.place(&name)?;
        let word = self.next()?;
        let operator = Operator::parse(&word).ok_or(QueryError::Syntax(word))?;
        let text = self.next()?;
        let cell = literal(&self.table.fields[place].kind, &name, unquoted(&text))?;
        Ok(Filter::Compare(place, operator, cell))
    }

    /// `(field,'text')`, after its opening parenthesis.
    fn function(&mut self, function: Function) -> Result<Filter, QueryError> {
        let name = self.next()?;
        let place = self.place(&name)?;
        self.must(",")?;
        let text = self.next()?;
        self.must(")")?;
        Ok(Filter::Text(place, function, unquoted(&text).to_owned()))
    }
}

/// A literal without the opening quote that [`tokens`] leaves on it.
fn unquoted(token: &str) -> &str {
    token.strip_prefix('\'').unwrap_or(token)
}

/// Splits a filter into words, punctuation and literals; a string keeps its opening
/// quote, so that the literal `and` is not taken for the word.
fn tokens(text: &str) -> Result<Vec<String>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' | ')' | ',' => (first.to_string(), &rest[1..]),
            '\'' => quoted(rest)?,
            _ => {
                let end = rest.find([' ', '(', ')', ',']).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// Reads a quoted literal in which `''` stands for one quote.
fn quoted(text: &str) -> Result<(String, &str), QueryError> {
    let mut literal = String::from("'");
    let mut rest = &text[1..];
    loop {
        let end = rest
            .find('\'')
            .ok_or_else(|| QueryError::Syntax(text.to_owned()))?;
        literal.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                literal.push('\'');
                rest = after;
            }
            None => return Ok((literal, rest)),
        }
    }
}
