"""scikit-learn faces over the tasks."""
