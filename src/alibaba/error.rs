//! Every error code that this cloud's API answers with (`alibaba.md` §1.3), and the one place
//! where a refusal of the rules becomes one of them.

use crate::{domain::Refusal, form::BadForm};
use std::fmt;

/// An error as a caller sees it: HTTP status, the cloud's code, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Milliseconds, when the caller went over its QPS.
    pub retry_after: Option<u64>,
}

impl RpcError {
    fn new(status: u16, code: &str, message: impl Into<String>) -> RpcError {
        RpcError { status, code: code.into(), message: message.into(), retry_after: None }
    }

    /// Not readable as a request at all; the status says why.
    pub fn unreadable(status: u16, why: &str) -> RpcError {
        let code = match status {
            429 => "Throttling",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            _ => "InputInvalid",
        };
        RpcError::new(status, code, why)
    }

    /// Neither GET nor POST.
    pub fn unsupported_method() -> RpcError {
        RpcError::new(400, "UnsupportedHTTPMethod", "The HTTP method is not supported: use GET or POST.")
    }

    /// The gateway's code for each absent parameter is made of its name.
    pub fn missing(param: &str) -> RpcError {
        RpcError::new(400, &format!("Missing{param}"), format!("{param} is mandatory for this action."))
    }

    pub fn unknown_key() -> RpcError {
        RpcError::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    }

    /// A scheme, method or type of signature that is not spoken here.
    pub fn unsupported_signature() -> RpcError {
        RpcError::new(400, "SignatureTypeNotSupported", "The signature type is not supported: use ACS3-HMAC-SHA256, HMAC-SHA1 or HMAC-SHA256.")
    }

    /// A V3 `Authorization` without one of its parts.
    pub fn incomplete_signature() -> RpcError {
        RpcError::new(400, "IncompleteSignature", "The Authorization header must be: ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=")
    }

    /// The colon is needed: the old SDK splits the message there and compares what follows with its
    /// own string, to tell a wrong secret from a wrong request.
    pub fn wrong_signature(to_sign: &str) -> RpcError {
        RpcError::new(400, "SignatureDoesNotMatch", format!("Specified signature is not matched with our calculation. server string to sign is:{to_sign}"))
    }

    pub fn bad_timestamp() -> RpcError {
        RpcError::new(400, "InvalidTimeStamp.Format", "Specified time stamp must be of the form YYYY-MM-DDThh:mm:ssZ.")
    }

    /// Signed too long ago, or too far in the future.
    pub fn expired_timestamp() -> RpcError {
        RpcError::new(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    }

    pub fn used_nonce() -> RpcError {
        RpcError::new(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    }

    pub fn unknown_action() -> RpcError {
        RpcError::new(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
    }

    pub fn unknown_version() -> RpcError {
        RpcError::new(400, "InvalidVersion", "Specified parameter Version is not valid.")
    }

    /// Over the QPS of an operation; `retry_after` in ms.
    pub fn throttled(retry_after: u64) -> RpcError {
        RpcError { retry_after: Some(retry_after), ..RpcError::new(400, "Throttling.User", "Request was denied due to user flow control.") }
    }

    /// An illegal value; `why` reads on from the parameter's name.
    pub fn invalid(param: &str, why: impl fmt::Display) -> RpcError {
        RpcError::new(400, "InputInvalid", format!("{param} {why}."))
    }

    /// The same in the words of `DeleteChannel`, which alone says it so.
    pub fn invalid_input(param: &str, why: impl fmt::Display) -> RpcError {
        RpcError::new(400, "InvalidInput", format!("{param} {why}."))
    }

    /// `why` reads on from `AppName`.
    pub fn app_name(why: &str) -> RpcError {
        RpcError::new(400, "ErrorInvalidAppName", format!("AppName {why}."))
    }

    /// `param` is the parameter with the URL. No full stop: the last word may be one to copy.
    pub fn url(param: &str, why: impl fmt::Display) -> RpcError {
        // The document spells this one's code with a capital B.
        let named = if param == "CallbackUrl" { "CallBackUrl" } else { param };
        RpcError::new(400, &format!("ErrorInvalid{named}"), format!("{param} {why}"))
    }

    pub fn not_found(what: impl fmt::Display) -> RpcError {
        RpcError::new(404, "ResourceNotExist", format!("{what} does not exist."))
    }

    /// A fault of ours; the log says which.
    pub fn server() -> RpcError {
        RpcError::new(500, "ServerError", "Unknown error, please try again later.")
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for RpcError {}

impl From<BadForm> for RpcError {
    fn from(bad: BadForm) -> RpcError {
        RpcError::new(400, "InputInvalid", format!("The request is not readable: {bad}."))
    }
}

/// What the cloud does not document (a full quota, a deleted group …) follows `alibaba.md` §1.3, last paragraph.
impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> RpcError {
        use Refusal::*;
        let (status, code) = match &refusal {
            NoSuchApp(_)
            | NoSuchKey(_)
            | NoSuchGroup(_)
            | GroupDeleted(_)
            | GroupEmpty(_)
            | NotInGroup(_)
            | NoSuchMember { .. }
            | NoSuchMessage(_)
            | NotConnected(_)
            | NoSuchSubscription(_)
            | NoSuchChannel(_)
            | NotInChannel { .. }
            | NoSuchAccount(_)
            | NoSession => (404, "ResourceNotExist"),
            TooFast(_) | GroupTooFast => (400, "Throttling"),
            AppDisabled(_) | NotAllowed(_) | OwnerCannotQuit(_) | Banned { .. } | Muted | BadTicket(_) | TicketExpired(_) | LoginRevoked => (403, "NoAuth"),
            TooManySubscriptions(_) | TooManyForAllChannels(_) => (400, "QuotaLimitError"),
            TooManyApps(_) => (400, "ErrorTooManyApps"),
            Moderated(_)
            | HookRefused { .. }
            | HookSilent
            | TooManyAccounts(_)
            | TooManyJoined(_)
            | TooMuchData { .. }
            | TooManyMutes(_)
            | TooManyBans(_)
            | TooManyAdmins(_)
            | TooMuchMetadata(_)
            | GroupFull(_)
            | WebhookExists
            | NoWebhook
            | TokenIncomplete
            | NoList(_)
            | TooManyGroups(_)
            | TooManyTypes(_)
            | StreamFull(_)
            | TooManyChannels(_)
            | AlreadySubscribed(_)
            | TooLarge(_)
            | ChannelTooLarge(_)
            | NotForChannels(_)
            | Unrecoverable
            | Bad { .. }
            | MessageTooLong { .. } => (400, "InputInvalid"),
            Internal | NotConfirmed(_) => (500, "ServerError"),
            Unavailable | Busy => (503, "ServiceUnavailable"),
        };
        // A reason may bring its own.
        let stop = if refusal.to_string().ends_with(['.', '!', '?', '。', '！', '？']) { "" } else { "." };
        RpcError::new(status, code, format!("{refusal}{stop}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        for (refusal, status, code) in [
            (Refusal::NoSuchGroup("g".into()), 404, "ResourceNotExist"),
            (Refusal::GroupDeleted("g".into()), 404, "ResourceNotExist"),
            (Refusal::GroupEmpty("g".into()), 404, "ResourceNotExist"),
            (Refusal::AppDisabled("a".into()), 403, "NoAuth"),
            (Refusal::TooManyApps(300), 400, "ErrorTooManyApps"),
            (Refusal::TooManyGroups(5000), 400, "InputInvalid"),
            (Refusal::Bad { what: "Body", why: "is too long".into() }, 400, "InputInvalid"),
            (Refusal::Unavailable, 503, "ServiceUnavailable"),
            (Refusal::Busy, 503, "ServiceUnavailable"),
        ] {
            let error = RpcError::from(refusal);
            assert_eq!((error.status, error.code.as_str()), (status, code), "{error}");
        }
        for (param, expected) in [("AuditUrl", "ErrorInvalidAuditUrl: AuditUrl is x"), ("CallbackUrl", "ErrorInvalidCallBackUrl: CallbackUrl is x")] {
            assert_eq!(RpcError::url(param, "is x").to_string(), expected);
        }
        assert_eq!(RpcError::missing("AppId").to_string(), "MissingAppId: AppId is mandatory for this action.");
    }
}
