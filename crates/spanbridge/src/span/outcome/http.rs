//! How an HTTP response says whether the work failed.

use super::Outcome;
use super::failure::Failure;
use http::Response;

/// A response with a status of 5xx is a failure: its class is the status code, `503`, and its text names the status,
/// `503 Service Unavailable`. Every other response is none: a 4xx is the caller's failure
/// ([HTTP spans, status](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status)).
///
/// ```
/// # use http::{Request, Response};
/// use spanbridge::observe;
///
/// # async fn next(_: Request<String>) -> Response<String> { Response::default() }
/// async fn audited(request: Request<String>) -> Response<String> {
///     observe::span("audit").run(|| next(request)).await
/// }
/// ```
///
/// Of a `Result`, only an `Err` is a failure, whatever the response in an `Ok` is. To judge both, use
/// [`Span::run_by`](crate::observe::Span::run_by):
///
/// ```
/// # use http::{Request, Response};
/// use spanbridge::{Failure, Outcome, observe};
/// # type Answer = Result<Response<String>, std::io::Error>;
/// # async fn send(_: Request<String>) -> Answer { Ok(Response::default()) }
///
/// fn judge(answer: &Answer) -> Option<Failure<'_>> {
///     match answer {
///         Ok(response) => response.failure(),
///         Err(error) => Some(Failure::of(error)),
///     }
/// }
///
/// async fn audited(request: Request<String>) -> Answer {
///     observe::span("audit").open().run_by(|| send(request), judge).await
/// }
/// ```
impl<B> Outcome for Response<B> {
    #[inline]
    fn failure(&self) -> Option<Failure<'_>> {
        let status = self.status();
        status.is_server_error().then(|| Failure::of_text(status.to_string()).class(status.as_str().to_owned()))
    }

    #[inline]
    fn judged(&self) -> Option<Failure<'_>> {
        self.failure()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_failures_are_failures() {
        let of = |status: u16| {
            let response = Response::builder().status(status).body(()).unwrap();
            response.judged().map(|failure| (failure.message(), failure.error_type().to_owned()))
        };
        assert_eq!([101, 200, 204, 302, 404, 429, 499, 600, 999].map(of), [const { None }; 9]);
        assert_eq!(of(503), Some(("503 Service Unavailable".to_owned(), "503".to_owned())));
        assert_eq!(of(599).unwrap().1, "599");
    }
}
