//! What goes wrong with notifications, and what the documentation leaves open.

use serde::{Deserialize, Serialize};

/// A share of cases, chosen by chance: the same ones for the same seed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Share {
    /// How many of a hundred.
    pub percent: f64,
    /// Seed of the choice.
    #[serde(default)]
    pub seed: u64,
}

/// The form of `resource` in subscriptions and notifications; reality has been seen to use
/// more than one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceForm {
    /// `api/v2.0/companies(…)/vendors`, as in the samples of single records.
    #[default]
    Relative,
    /// `/api/v2.0/companies(…)/vendors`, as in the sample of a `collection`.
    LeadingSlash,
    /// `http://…/api/v2.0/companies(…)/vendors`.
    Absolute,
}

impl ResourceForm {
    /// `path`, which begins with `api/`, in this form; `root` is the environment's address.
    pub(crate) fn of(self, path: &str, root: &str) -> String {
        match self {
            Self::Relative => path.to_owned(),
            Self::LeadingSlash => format!("/{path}"),
            Self::Absolute => format!("{root}/{path}"),
        }
    }
}

/// The entity sets of API v2.0 that can be subscribed to on a recent version: those with one
/// key field and a table behind them. The documentation lists 22 of them.
///
/// Source: the rule of page `WebhookSupportedResources` over the pages of the API, version 29.
const STANDARD: &[&str] = &[
    "accountingPeriods",
    "accounts",
    "approvalEntries",
    "approvalUserSetups",
    "bankAccounts",
    "companyInformation",
    "contacts",
    "countriesRegions",
    "currencies",
    "currencyExchangeRates",
    "customerContacts",
    "customerFinancialDetails",
    "customerPaymentJournals",
    "customerPayments",
    "customers",
    "defaultDimensions",
    "dimensionValues",
    "dimensions",
    "employees",
    "fixedAssets",
    "generalLedgerEntries",
    "generalLedgerSetup",
    "itemCategories",
    "itemLedgerEntries",
    "itemVariants",
    "items",
    "journalLines",
    "journals",
    "locations",
    "opportunities",
    "paymentMethods",
    "paymentTerms",
    "postedApprovalEntries",
    "projects",
    "purchaseCreditMemos",
    "purchaseInvoices",
    "purchaseOrders",
    "purchaseReceiptLines",
    "purchaseReceipts",
    "salesCreditMemos",
    "salesInvoices",
    "salesOrders",
    "salesQuotes",
    "salesShipmentLines",
    "salesShipments",
    "salespeoplePurchasers",
    "shipmentMethods",
    "unitsOfMeasure",
    "vendorPaymentJournals",
    "vendorPayments",
    "vendors",
];

/// The page of a customer's own that every company has.
const CUSTOM: &str = "contoso/finance/v1.0/vendorLedgerEntries";

/// The resources that are offered unless the configuration says otherwise.
pub(super) fn standard_resources() -> Vec<String> {
    let standard = STANDARD.iter().map(|set| format!("v2.0/{set}"));
    standard.chain([CUSTOM.to_owned()]).collect()
}
