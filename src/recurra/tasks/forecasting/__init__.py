"""Forecasting: measures of forecasts with intervals, and the baselines that stand beside a network."""
