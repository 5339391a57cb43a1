"""The equations of one step: RNN, LSTM, GRU, minGRU, minLSTM. The reference that everything fast is tested against."""

from __future__ import annotations
