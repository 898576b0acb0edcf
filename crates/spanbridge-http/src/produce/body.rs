//! The body of a response, with which the span ends.

use crate::describe::{Answer, TransportError};
use crate::passing::Copied;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, ResponseBuilderExt, Url};
use spanbridge::Outcome;
use spanbridge::adapter::{self, StoppedSpan};
use spanbridge::observe::Span;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of a response. The span ends when the body does.
pub(super) struct ObservedBody {
    inner: reqwest::Body,
    state: State,
    answer: Answer,
    url: Url,
    /// What is recorded of it, until it ends.
    output: Copied,
}

enum State {
    /// Nobody has read it yet, and perhaps nobody will: the span has ended with the headers then.
    Unread(StoppedSpan),
    Reading(Span),
    Ended,
}

impl ObservedBody {
    /// The same response, whose body ends the span. `url` is that of the request.
    pub(super) fn around(response: Response, span: Span, url: Url, output: Copied) -> Response {
        let answer = Answer(response.status());
        // What becomes an `http::Response` forgets its URL, unless it is put among the extensions.
        let with_url = http::Response::builder().url(response.url().clone()).body(());
        let (mut parts, inner) = http::Response::<reqwest::Body>::from(response).into_parts();
        if let Ok(with_url) = with_url {
            parts.extensions.extend(with_url.into_parts().0.extensions)
        }
        let body = ObservedBody { inner, state: State::Unread(StoppedSpan::of(span)), answer, url, output };
        http::Response::from_parts(parts, reqwest::Body::wrap(body)).into()
    }

    /// Records what has passed. Nothing of a body that nobody has read.
    fn record(&mut self, has_ended: bool) {
        let (Some(output), State::Reading(span)) = (self.output.take(), &self.state) else { return };
        if has_ended { output.ended(span.context()) } else { output.broke_off(span.context()) }
    }

    /// The span, if somebody reads and it has not ended.
    fn take(&mut self) -> Option<Span> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Unread(span) => Some(span.resume()),
            State::Reading(span) => Some(span),
            State::Ended => None,
        }
    }
}

impl Body for ObservedBody {
    type Data = <reqwest::Body as Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, reqwest::Error>>> {
        let this = &mut *self;
        if let State::Unread(_) = this.state {
            this.state = this.take().map_or(State::Ended, State::Reading)
        }
        let inner = Pin::new(&mut this.inner);
        let frame = ready!(match &mut this.state {
            State::Reading(span) => adapter::in_open_span(span, || inner.poll_frame(cx)),
            _ => inner.poll_frame(cx),
        });
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
        if let (Some(output), Some(data)) = (&mut this.output, data) {
            output.passed(data)
        }
        let goes_on = matches!(frame, Some(Ok(_))) && !this.inner.is_end_stream();
        if !goes_on {
            this.record(!matches!(frame, Some(Err(_))))
        }
        match &frame {
            Some(Ok(_)) if goes_on => {}
            // A status that is an error says more than a body that broke off.
            Some(Err(error)) if this.answer.failure().is_none() => {
                if let Some(span) = this.take() {
                    span.end_with(&TransportError::new(error, &this.url).failure())
                }
            }
            _ => {
                if let Some(span) = this.take() {
                    span.end_with(&this.answer)
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ObservedBody {
    fn drop(&mut self) {
        self.record(self.inner.is_end_stream());
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Unread(span) => match self.answer.failure() {
                Some(failure) => span.failed(&failure),
                None => span.end(),
            },
            State::Reading(span) if self.answer.failure().is_some() || self.inner.is_end_stream() => {
                span.end_with(&self.answer)
            }
            State::Reading(span) => span.cancel(),
            State::Ended => {}
        }
    }
}
