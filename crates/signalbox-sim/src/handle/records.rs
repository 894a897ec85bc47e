//! Verbs on any table, and what readers were shown.

use jiff::Timestamp;
use serde_json::Value;

use super::SimHandle;
use crate::business_central::{Made, RecordChange, Sighting, VerbError};

/// Verbs on any table.
impl SimHandle {
    /// Makes a record; what the change does not say, the ERP's own rules fill in.
    pub fn create_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.create_record(change)
    }

    /// Makes `count` records that were always there: nobody is told, nothing is expected of them.
    pub fn seed_records(
        &self,
        change: &RecordChange,
        count: usize,
    ) -> Result<Vec<Made>, VerbError> {
        self.shared.seed_records(change, count)
    }

    /// Seeds a company, or all of them, with the people, vendors, customers, accounts and codes
    /// that documents speak of; says how many records it made.
    pub fn seed_master_data(
        &self,
        company: Option<&str>,
        purchasers: usize,
    ) -> Result<usize, VerbError> {
        self.shared.seed_master_data(company, purchasers)
    }

    /// Changes a record: `updated`, even if every field keeps its value.
    pub fn change_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.change_record(change)
    }

    /// Lets a record say that it was last changed at `at`, and tells nobody: as rows of a long transaction do, which
    /// are stamped when they are written and seen when it commits, and rows that were written past their triggers.
    pub fn backdate_record(&self, change: &RecordChange, at: Timestamp) -> Result<(), VerbError> {
        self.shared.backdate_record(change, at)
    }

    /// Deletes a record; says what it last was.
    pub fn delete_record(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.delete_record(change)
    }

    /// Gives a document a status; where the status says so, the document is posted by it.
    pub fn set_status(&self, change: &RecordChange, status: &str) -> Result<Made, VerbError> {
        self.shared.set_status(change, status)
    }

    /// Releases a sales invoice: `Open`, and not posted.
    pub fn release_sales_invoice(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.release_sales_invoice(change)
    }

    /// Posts a sales invoice: the id stays, the number changes, the ledger gets entries.
    pub fn post_sales_invoice(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.post_sales_invoice(change)
    }

    /// Invoices a purchase order in full: it is deleted, and a posted purchase invoice made.
    pub fn invoice_purchase_order(&self, change: &RecordChange) -> Result<Made, VerbError> {
        self.shared.invoice_purchase_order(change)
    }

    /// Makes the next `times` reads by a skip token find it stale.
    pub fn expire_skip_tokens(&self, times: usize) {
        self.shared.world().erp.stale_skip_tokens = times;
    }
}

/// The tables as they are, and what was shown of them.
impl SimHandle {
    /// Every record of a set in a company (the first if none is named), as the API would show it
    /// now; none if there is no such company or set.
    pub fn records(&self, company: Option<&str>, set: &str) -> Vec<Value> {
        self.shared.world().erp.records(company, set)
    }

    /// What readers were shown, in the order of first showing: one entry per version of a
    /// record, of at most `sightings_kept` versions.
    pub fn sightings(&self) -> Vec<Sighting> {
        self.shared.world().sightings.all()
    }
}
