//! Why a verb was refused: each case names what was asked for and what there is.

/// Why a verb was refused.
#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    /// No company has this id or name.
    #[error("there is no company `{0}`")]
    NoSuchCompany(String),
    /// No invoice has this id or number.
    #[error("there is no purchase invoice `{0}`")]
    NoSuchInvoice(String),
    /// The invoice's status does not allow it.
    #[error("purchase invoice `{0}` is {1} and cannot be {2}")]
    WrongStatus(String, &'static str, &'static str),
    /// No table of records of its own has this name.
    #[error(
        "there is no set `{0}` whose records can be changed; name it as the API does, such as `vendors`"
    )]
    NoSuchSet(String),
    /// The table has no such field.
    #[error("`{set}` has no field `{field}`; it has {known}")]
    NoSuchField {
        /// The set.
        set: String,
        /// The field asked for.
        field: String,
        /// Its fields and navigations.
        known: String,
    },
    /// The value does not fit the field.
    #[error("`{set}.{field}` cannot hold {value}")]
    BadValue {
        /// The set.
        set: String,
        /// The field.
        field: String,
        /// The value given.
        value: String,
    },
    /// No record has this id or number.
    #[error(
        "there is no record `{named}` in `{set}`; name it by `id` or by `number`, and its `company` if it is not the first"
    )]
    NoSuchRecord {
        /// The set.
        set: String,
        /// What was asked for.
        named: String,
    },
    /// The document cannot take this step.
    #[error("document `{0}` of `{1}` is {2} and cannot be {3}")]
    WrongStep(String, String, String, &'static str),
    /// A ledger's entries are only ever added.
    #[error("entries of `{0}` are only ever added; make a new one instead")]
    OnlyAdded(String),
}
