//! A small OData client: listings page by page, query strings, and the wire's own spelling of values.
//! Numbers keep their literal text throughout.
//!
//! Source: facts, Business Central §4. Graph pages in the same way, without the preferences.

pub(crate) mod blanks;
pub(crate) mod names;
pub(crate) mod pages;
pub(crate) mod query;

use http::HeaderValue;

use crate::http::call::Call;

/// Which copy of the data a read is answered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intent {
    /// A replica will do. It may lag: a record just made may be missing, a change just made may not show.
    #[default]
    ReadOnly,
    /// The primary copy is asked, which costs the service more.
    ReadWrite,
}

impl Intent {
    /// `call` with this intent. Read-only is the service's own default online, so it is left unsaid.
    pub(crate) fn on(self, call: Call<'_>) -> Call<'_> {
        match self {
            Self::ReadOnly => call,
            Self::ReadWrite => call.header(
                http::HeaderName::from_static("data-access-intent"),
                HeaderValue::from_static("ReadWrite"),
            ),
        }
    }
}
